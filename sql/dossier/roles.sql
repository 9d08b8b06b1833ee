-- Roles and bindings over time.
select
  cast(ts as bigint) as ts, verb, api_group, resource, namespace, name, outcome, request_uri,
  request_object as request, response_object as response
from rbac_history
where $all_clusters or cluster = $cluster
order by ts, verb, resource, namespace, name
