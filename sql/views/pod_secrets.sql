-- describe = "One row a Secret that a written pod spec uses. secret: namespace/name. via: volume, projected, driver (CSI and network storage), env, env_from or image_pull."
-- reads = ["pod_specs"]
-- materialise = true

select
  * except (uses, secret_name),
  coalesce(namespace, '*') || '/' || secret_name as secret,
  uses['via'] as via
from (
  select *, unnest(uses['names']) as secret_name
  from (
    select
      *,
      unnest(make_array(
        named_struct('via', 'volume', 'names', json_texts(spec, 'volumes', '*', 'secret', 'secretName')),
        named_struct(
          'via', 'projected', 'names', json_texts(spec, 'volumes', '*', 'projected', 'sources', '*', 'secret', 'name')
        ),
        named_struct('via', 'driver', 'names', json_texts(spec, 'volumes', '*', 'csi', 'nodePublishSecretRef', 'name')),
        named_struct('via', 'driver', 'names', json_texts(spec, 'volumes', '*', '*', 'secretRef', 'name')),
        named_struct('via', 'driver', 'names', json_texts(spec, 'volumes', '*', 'azureFile', 'secretName')),
        named_struct(
          'via', 'env', 'names', json_texts(spec, 'containers', '*', 'env', '*', 'valueFrom', 'secretKeyRef', 'name')
        ),
        named_struct(
          'via', 'env', 'names', json_texts(spec, 'initContainers', '*', 'env', '*', 'valueFrom', 'secretKeyRef', 'name')
        ),
        named_struct(
          'via', 'env',
          'names', json_texts(spec, 'ephemeralContainers', '*', 'env', '*', 'valueFrom', 'secretKeyRef', 'name')
        ),
        named_struct('via', 'env_from', 'names', json_texts(spec, 'containers', '*', 'envFrom', '*', 'secretRef', 'name')),
        named_struct(
          'via', 'env_from', 'names', json_texts(spec, 'initContainers', '*', 'envFrom', '*', 'secretRef', 'name')
        ),
        named_struct(
          'via', 'env_from', 'names', json_texts(spec, 'ephemeralContainers', '*', 'envFrom', '*', 'secretRef', 'name')
        ),
        named_struct('via', 'image_pull', 'names', json_texts(spec, 'imagePullSecrets', '*', 'name'))
      )) as uses
    from pod_specs
  )
)
where secret_name is not null
