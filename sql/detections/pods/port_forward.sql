-- title = "A tunnel into a pod was opened"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0008/T1021",
--   "TA0011/T1572",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "Someone opened a tunnel to a port of a pod, past network policies and logins in front of it."
-- benign = ["Developers who reach an application or a dashboard"]
-- blind = ["what was done in the tunnel"]
-- triage = [
--   "Which service answers on the pod? For data stores see port_forward_to_data_store",
--   "Is the identity one that needs it? For service accounts see pod_exec_by_service_account",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct pod) = 1 then min(pod) else count(distinct pod) || ' pods' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct pod)), ' ') as pods,
  client_ip,
  min(user_agent) as user_agent
from pod_access
where kind in ('portforward', 'node_portforward') and outcome <> 'denied'
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
