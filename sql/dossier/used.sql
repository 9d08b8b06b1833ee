-- What the identities' rights were used for, over all of the time that is looked at. Lines of one request are put
-- together first: to count different audit ids in each of many groups takes far more memory.
select
  cluster, actor, verb, api_group, resource, subresource, namespace, name, outcome, path,
  max(reason) as reason,
  count(*) as requests,
  count(*) filter (where is_own) as own,
  count(*) filter (where is_created) as created,
  cast(min(first_ts) as bigint) as first_seen,
  cast(max(last_ts) as bigint) as last_seen
from (
  select
    cluster, actor, verb, api_group, resource, subresource, namespace, name, outcome,
    case when resource is null then uri_path(request_uri) end as path,
    audit_id,
    max(auth_reason) as reason,
    bool_or($subject) as is_own,
    bool_or(response_code = 201) as is_created,
    min(ts) as first_ts,
    max(ts) as last_ts
  from activity
  where actor in ($holders) and (stage is distinct from 'RequestReceived') and ($all_clusters or cluster = $cluster)
  group by
    cluster, actor, verb, api_group, resource, subresource, namespace, name, outcome,
    case when resource is null then uri_path(request_uri) end, audit_id
)
group by cluster, actor, verb, api_group, resource, subresource, namespace, name, outcome, path
order by actor, requests desc, verb, api_group, resource, subresource, namespace, name, outcome
