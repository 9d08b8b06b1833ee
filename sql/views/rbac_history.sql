-- describe = "What the log tells of roles and bindings: one row a line about one or several of them, reads whose answer was logged included, with the bodies."
-- reads = ["objects"]

select
  cluster, ts, verb, api_group, resource, namespace, name, outcome, request_uri, request_object, response_object
from objects
where resource in ('roles', 'clusterroles', 'rolebindings', 'clusterrolebindings')
  and (verb in ('create', 'update', 'patch', 'delete', 'deletecollection') or response_object is not null)
