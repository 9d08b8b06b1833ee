-- title = "Program account runs commands in pods"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0002/T1609",
--   "TA0008/T1021",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "Exec, attach or port-forward by a service account, a node or a part of the control plane: programs seldom need it, stolen tokens often use it."
-- benign = ["Backup hooks (Velero), CI runners that drive pods: name them as operators"]
-- triage = [
--   "Is there a program behind this account that needs exec?",
--   "From where was the account used before?",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  pod as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct kind)), ',') as kinds,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  client_ip,
  min(user_agent) as user_agent
from pod_access
where kind in ('exec', 'attach', 'portforward') and outcome <> 'denied'
  and actor_kind in ('service_account', 'node', 'control_plane')
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, pod
