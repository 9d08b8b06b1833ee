-- title = "A command was run inside a pod"
-- status = "test"
-- severity = "low"
-- attack = ["TA0002/T1609"]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "Someone opened exec or attach on a pod."
-- benign = ["Operators who look into a failing pod"]
-- blind = [
--   "exec through nodes/proxy: see node_proxy_exec",
--   "exec on the kubelet's own port, which no audit log shows",
-- ]
-- triage = [
--   "Who is the actor, and is the pod theirs?",
--   "Which secrets does the pod mount?",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/authorization/"]

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
  bool_or(coalesce(uri_query(request_uri, 'tty'), '') = 'true') as terminal,
  client_ip,
  min(user_agent) as user_agent
from pod_access
where kind in ('exec', 'attach') and outcome <> 'denied'
group by cluster, date, actor, client_ip, pod
