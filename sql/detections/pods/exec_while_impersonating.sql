-- title = "Possible cover: pod entered under another name"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0005/T1550",
-- ]
-- needs = "Metadata"
-- resources = [
--   "pods",
--   "nodes",
-- ]
-- describe = "Exec, attach, port-forward, a proxy or an ephemeral container with impersonation: the rights of one identity, the credential of another."
-- benign = ["A dashboard or proxy that impersonates its users: name both as operators"]
-- triage = ["Why did the identity not use its own rights?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(username, '?') as actor,
  case when count(distinct target) = 1 then min(target) else count(distinct target) || ' pods' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  impersonated_username,
  array_to_string(array_sort(array_agg(distinct kind)), ',') as kinds,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, coalesce(pod, name, '?') as target
  from pod_access
  where impersonated_username is not null and outcome <> 'denied'
)
where not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, username, impersonated_username, client_ip
