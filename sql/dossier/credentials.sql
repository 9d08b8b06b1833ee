-- The credentials and addresses that the subject came with.
select
  cluster, credential_id, actor, username, client_ip, user_agent,
  -- a set of all ids would take far more memory
  greatest(
    count(*) filter (where told = 'ended')
    + greatest(count(*) filter (where told = 'stream_started'), count(*) filter (where told = 'stream_ended')),
    1
  ) as requests,
  count(*) filter (where outcome = 'denied' and told in ('ended', 'stream_ended')) as denied,
  cast(min(ts) as bigint) as first_seen,
  cast(max(ts) as bigint) as last_seen
from activity
where $subject
group by cluster, credential_id, actor, username, client_ip, user_agent
order by first_seen, credential_id, actor, username, client_ip, user_agent
