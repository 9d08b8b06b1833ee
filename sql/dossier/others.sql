-- Who else came with the same credentials or from the same addresses, and where each credential was used.
select
  cluster, credential_id, actor, username, client_ip,
  max(user_agent) as user_agent,
  -- a request ends once: to count ends takes no memory, to count different audit ids does, and much of it
  greatest(count(*) filter (where stage not in ('RequestReceived', 'ResponseStarted') or stage is null), 1) as requests,
  count(*) filter (
    where resource = 'secrets' and outcome <> 'denied'
      and (stage not in ('RequestReceived', 'ResponseStarted') or stage is null)
  ) as secret_requests,
  cast(min(ts) as bigint) as first_seen,
  cast(max(ts) as bigint) as last_seen
from activity
where (credential_id in ($chain) or client_ip in ($places)) and ts >= $since and ts < $until
  and ($all_clusters or cluster = $cluster)
group by cluster, credential_id, actor, username, client_ip
order by first_seen, credential_id, actor, username, client_ip
