-- The credentials and addresses that the subject came with.
select
  cluster, credential_id, actor, username, client_ip, user_agent,
  count(distinct audit_id) as requests,
  count(distinct audit_id) filter (where outcome = 'denied') as denied,
  cast(min(ts) as bigint) as first_seen,
  cast(max(ts) as bigint) as last_seen
from activity
where $subject
group by cluster, credential_id, actor, username, client_ip, user_agent
order by first_seen, credential_id, actor, username, client_ip, user_agent
