-- title = "Command run through the kubelet"
-- status = "test"
-- severity = "critical"
-- attack = [
--   "TA0002/T1609",
--   "TA0004/T1611",
-- ]
-- needs = "Metadata"
-- resources = ["nodes"]
-- describe = "The kubelet's run, exec, attach or portForward was called through nodes/proxy, which needs no right to exec and works with get."
-- blind = ["calls to the kubelet's own port, which no audit log shows"]
-- triage = [
--   "Who has nodes/proxy, and why?",
--   "What does the pod mount?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(pod, name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  name as node,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  array_to_string(array_sort(array_agg(distinct request_uri)), ' ') as uris,
  client_ip,
  min(user_agent) as user_agent
from pod_access
where kind in ('node_exec', 'node_run', 'node_attach', 'node_portforward') and outcome <> 'denied'
group by cluster, date, actor, client_ip, name, pod
