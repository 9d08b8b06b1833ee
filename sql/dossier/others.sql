-- Who else came with the same credentials, from the same addresses or by the same impersonators, and where each
-- credential was used.
select
  cluster, credential_id, actor, username, client_ip,
  max(user_agent) as user_agent,
  -- a set of all ids would take far more memory
  greatest(
    count(*) filter (where told = 'ended')
    + greatest(count(*) filter (where told = 'stream_started'), count(*) filter (where told = 'stream_ended')),
    1
  ) as requests,
  greatest(
    count(*) filter (where resource = 'secrets' and outcome <> 'denied' and told in ('ended', 'stream_ended')),
    count(*) filter (where resource = 'secrets' and outcome <> 'denied' and told = 'stream_started')
  ) as secret_requests,
  cast(min(ts) as bigint) as first_seen,
  cast(max(ts) as bigint) as last_seen
from activity
where (credential_id in ($chain) or client_ip in ($places) or username in ($impersonators)) and ts >= $since and ts < $until
  and ($all_clusters or cluster = $cluster)
group by cluster, credential_id, actor, username, client_ip
order by first_seen, credential_id, actor, username, client_ip
