-- title = "Many secrets read one by one"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0009/T1213",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "One identity read many different secrets within minutes, most of them for the first time: the way a stolen token is emptied."
-- benign = [
--   "A migration or backup script",
--   "An operator that starts for the first time",
-- ]
-- blind = ["the same sweep spread over hours or several identities"]
-- triage = [
--   "Which of these secrets does the identity own?",
--   "Was the identity used from its usual address?",
--   "Rotate every secret in the list",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]
-- params = { secrets = 15 }

with firsts as (
  select cluster, actor, actor_kind, secret, min(ts) as ts, first_value(audit_id order by ts) as audit_id,
    first_value(client_ip order by ts) as client_ip, first_value(user_agent order by ts) as user_agent, count(*) as reads
  from secret_access
  where reads and scope = 'named' and outcome in ('allowed', 'unknown')
    and actor_kind not in ('control_plane', 'node')
    and not in_identities('cluster_controllers', actor)
    and not in_identities('secret_readers', actor)
  group by cluster, actor, actor_kind, secret
),
windows as (
  select *, count(*) over (
    partition by cluster, actor order by ts
    range between interval '10 minutes' preceding and current row
  ) as in_window
  from firsts
  where reads <= 2 -- what a controller reads it reads again and again
)
select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor,
  count(*) || ' secrets' as object, sum(reads) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  max(in_window) as secrets_in_10_minutes, array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent, string_agg(secret, ' ' order by ts) as secrets
from windows
group by cluster, actor
having max(in_window) >= $secrets
