-- describe = "One row a Secret that a written pod spec uses. secret: namespace/name. via: volume, projected, driver (CSI and network storage), env, env_from or image_pull."
-- reads = ["pod_specs"]
-- materialise = true

select
  * except (use),
  coalesce(namespace, '*') || '/' || substr(use, strpos(use, ' ') + 1) as secret,
  split_part(use, ' ', 1) as via
from (select *, unnest(spec_secrets(spec)) as use from pod_specs)
