-- title = "Possible takeover of a system pod"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0004/T1611",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "Someone opened exec, attach or port-forward on a pod of kube-system, where pods hold the rights to run the cluster."
-- benign = ["Administrators who debug the cluster itself"]
-- triage = ["What can the pod's service account do?"]

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
  and namespace in ('kube-system', 'kube-public', 'kube-node-lease')
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, pod
