-- describe = "One row a thing in a written pod spec that opens the node to the pod. kind: privileged, hostPID, hostIPC, hostNetwork, hostProcess (Windows), capability or hostPath; value: the capability or the path, else NULL."
-- reads = ["pod_specs"]
-- materialise = true

select * except (found, text), found['kind'] as kind, nullif(text, 'true') as value
from (
  select *, unnest(found['texts']) as text
  from (
    select
      *,
      unnest(make_array(
        -- */* is every container of containers, initContainers and ephemeralContainers
        named_struct('kind', 'privileged', 'texts', json_texts(spec, '*', '*', 'securityContext', 'privileged')),
        named_struct('kind', 'hostPID', 'texts', json_texts(spec, 'hostPID')),
        named_struct('kind', 'hostIPC', 'texts', json_texts(spec, 'hostIPC')),
        named_struct('kind', 'hostNetwork', 'texts', json_texts(spec, 'hostNetwork')),
        named_struct(
          'kind', 'hostProcess', 'texts', json_texts(spec, 'securityContext', 'windowsOptions', 'hostProcess')
        ),
        named_struct(
          'kind', 'hostProcess', 'texts', json_texts(spec, '*', '*', 'securityContext', 'windowsOptions', 'hostProcess')
        ),
        named_struct('kind', 'capability', 'texts', json_texts(spec, '*', '*', 'securityContext', 'capabilities', 'add')),
        named_struct('kind', 'hostPath', 'texts', json_texts(spec, 'volumes', '*', 'hostPath', 'path'))
      )) as found
    from pod_specs
  )
)
where text is not null and text <> 'false'
