-- What the identities' rights were used for, over all of the time that is looked at.
select
  cluster, actor, verb, api_group, resource, subresource, namespace, name, outcome,
  case when resource is null then uri_path(request_uri) end as path,
  max(auth_reason) as reason,
  count(distinct audit_id) as requests,
  count(distinct audit_id) filter (where $subject) as own,
  count(distinct audit_id) filter (where response_code = 201) as created,
  cast(min(ts) as bigint) as first_seen,
  cast(max(ts) as bigint) as last_seen
from activity
where actor in ($holders) and (stage is distinct from 'RequestReceived') and ($all_clusters or cluster = $cluster)
group by
  cluster, actor, verb, api_group, resource, subresource, namespace, name, outcome,
  case when resource is null then uri_path(request_uri) end
order by actor, requests desc, verb, api_group, resource, subresource, namespace, name, outcome
