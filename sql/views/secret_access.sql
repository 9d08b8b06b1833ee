-- describe = "Requests for Secrets, whatever the verb. secret: namespace/name, with * for what was not named. reads: whether the answer can hold values."
-- reads = ["sensitive"]

select
  *,
  coalesce(namespace, '*') || '/' || coalesce(name, '*') as secret,
  -- by exclusion: unknown methods, legacy watches and deletecollection return bodies too
  verb is null or verb not in ('create', 'update', 'patch', 'delete') as reads
from sensitive
where resource = 'secrets'
