-- describe = "One row a container of every pod spec that was written: containers, initContainers and ephemeralContainers. commands: command, args and what hooks and probes run, as one text."
-- reads = ["pod_specs"]
-- materialise = true

select
  *,
  json_get_str(container, 'name') as container_name,
  json_get_str(container, 'image') as image,
  coalesce(json_get_bool(container, 'securityContext', 'privileged'), false) as privileged,
  json_texts(container, 'securityContext', 'capabilities', 'add') as capabilities,
  concat_ws(
    ' ', command, args,
    array_to_string(json_texts(container, 'lifecycle', '*', 'exec', 'command'), ' '),
    array_to_string(json_texts(container, '*', 'exec', 'command'), ' ')
  ) as commands,
  array_concat(
    coalesce(json_texts(container, 'env', '*', 'valueFrom', 'secretKeyRef', 'name'), arrow_cast(make_array(), 'List(Utf8)')),
    coalesce(json_texts(container, 'envFrom', '*', 'secretRef', 'name'), arrow_cast(make_array(), 'List(Utf8)'))
  ) as secret_names
from (
  select
    *,
    array_to_string(json_texts(container, 'command'), ' ') as command,
    array_to_string(json_texts(container, 'args'), ' ') as args
  from (
    select
      *,
      unnest(array_concat(
        coalesce(json_texts(spec, 'containers'), arrow_cast(make_array(), 'List(Utf8)')),
        coalesce(json_texts(spec, 'initContainers'), arrow_cast(make_array(), 'List(Utf8)')),
        coalesce(json_texts(spec, 'ephemeralContainers'), arrow_cast(make_array(), 'List(Utf8)'))
      )) as container
    from pod_specs
  )
)
where container is not null
