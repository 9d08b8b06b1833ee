-- describe = "Lines about what refers to Secrets, gives rights or puts pods on nodes, with the bodies, in few columns, so that questions over all of the log read the bodies once."
-- reads = ["events"]
-- materialise = true

select
  cluster, ts, line, verb, api_group, resource, subresource, namespace, name, outcome, request_uri, request_object,
  response_object
from events
-- no filter looks at bodies, so that those of other lines are not even unpacked
where outcome = 'allowed' and (stage is distinct from 'RequestReceived')
  and (
    (
      resource in ('serviceaccounts', 'ingresses', 'certificates') and subresource is null
      and verb in ('get', 'create', 'update', 'patch') and (level is distinct from 'Metadata')
    )
    or (
      resource in ('roles', 'clusterroles', 'rolebindings', 'clusterrolebindings') and subresource is null
      and (verb in ('create', 'update', 'patch', 'delete', 'deletecollection') or (level is distinct from 'Metadata'))
    )
    or (
      resource = 'pods' and subresource = 'binding' and verb = 'create' and (level is distinct from 'Metadata')
    )
  )
