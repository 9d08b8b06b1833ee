-- title = "A privileged pod was started by a controller"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0004/T1611",
--   "TA0002/T1610",
-- ]
-- needs = "Request"
-- resources = ["pods"]
-- describe = "A controller created a pod that is privileged, shares something with the node, or mounts a path of it. Its workload decides whether that is right."
-- benign = ["Node agents of the platform"]
-- blind = ["impersonation: who acts as a controller is judged as themselves; see privileged_workload"]
-- triage = ["Who wrote the workload?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(service_account, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct kind || coalesce(' ' || value, ''))), ', ') as dangers
from pod_dangers
where resource = 'pods' and verb = 'create' and outcome in ('allowed', 'unknown')
  and in_identities('cluster_controllers', username)
  and kind in ('privileged', 'hostPID', 'hostIPC', 'hostNetwork', 'hostProcess', 'hostPath')
group by cluster, date, actor, namespace, service_account
