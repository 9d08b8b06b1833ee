-- What the identities' rights were used for, over all of the time that is looked at.
select
  cluster, actor, verb, api_group, resource, subresource, namespace, name, outcome, path,
  max(auth_reason) as reason,
  -- a set of all ids would take far more memory
  greatest(
    count(*) filter (where told in ('ended', 'stream_ended')), count(*) filter (where told = 'stream_started'), 1
  ) as requests,
  greatest(
    count(*) filter (where is_own and told in ('ended', 'stream_ended')),
    count(*) filter (where is_own and told = 'stream_started')
  ) as own,
  count(*) filter (where response_code = 201 and told in ('ended', 'stream_ended')) as created,
  cast(min(ts) as bigint) as first_seen,
  cast(max(ts) as bigint) as last_seen
from (
  select
    *,
    case when resource is null then uri_path(request_uri) end as path,
    ($subject) as is_own
  from activity
  where actor in ($holders) and (stage is distinct from 'RequestReceived') and ($all_clusters or cluster = $cluster)
)
group by cluster, actor, verb, api_group, resource, subresource, namespace, name, outcome, path
order by actor, requests desc, verb, api_group, resource, subresource, namespace, name, outcome
