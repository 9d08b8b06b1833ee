-- describe = "One row a volume of every pod spec that was written."
-- reads = ["pod_specs"]

select
  *,
  json_get_str(volume, 'name') as volume_name,
  json_get_str(volume, 'hostPath', 'path') as host_path,
  json_get_str(volume, 'secret', 'secretName') as secret_name,
  json_get_json(volume, 'projected') as projected,
  json_get_str(volume, 'configMap', 'name') as config_map,
  json_get_str(volume, 'persistentVolumeClaim', 'claimName') as pvc
from (
  select *, unnest(json_texts(spec, 'volumes')) as volume
  from pod_specs
)
where volume is not null
