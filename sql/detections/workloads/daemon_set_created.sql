-- title = "A DaemonSet was created"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0003/T1543.005",
--   "TA0002/T1610",
-- ]
-- needs = "Metadata"
-- resources = ["daemonsets"]
-- describe = "A DaemonSet was created by an identity that does not run the cluster: a pod on every node, present and future."
-- benign = ["The installation of a node agent"]
-- triage = ["What does it run, and does it mount paths of the node? See privileged_workload"]
-- references = ["https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource = 'daemonsets' and sensitivity = 'workload' and verb = 'create' and outcome in ('allowed', 'unknown')
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name
