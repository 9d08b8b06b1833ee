-- title = "A path of the node was mounted"
-- status = "test"
-- severity = "info"
-- attack = ["TA0004/T1611"]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "A workload with a volume of type hostPath was written: one finding an identity and path, as context. The paths that open the node are in privileged_workload."
-- benign = ["Node agents: logs, storage, monitoring"]
-- triage = ["Does the workload need files of the node?"]
-- references = ["https://kubernetes.io/docs/concepts/storage/volumes/#hostpath"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  value as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct workload)), ' ') as workloads,
  client_ip,
  min(user_agent) as user_agent
from pod_dangers
where kind = 'hostPath' and outcome in ('allowed', 'unknown')
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, value
