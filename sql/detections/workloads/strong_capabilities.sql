-- title = "A container with capabilities over its node"
-- status = "test"
-- severity = "low"
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
-- describe = "A workload was written whose container adds a capability that reaches beyond it: the node's network, clock, log, security modules or other owners' files. The capabilities that amount to root on the node are in privileged_workload."
-- benign = [
--   "Network plugins and service meshes",
--   "VPN clients",
-- ]
-- triage = ["Which capability, and what does the image do with it?"]
-- references = ["https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  workload as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct value)), ' ') as capabilities,
  client_ip,
  min(user_agent) as user_agent
from pod_dangers
where kind = 'capability' and outcome in ('allowed', 'unknown')
  and regexp_replace(upper(value), '^CAP_', '') in (
    'NET_ADMIN', 'NET_RAW', 'DAC_OVERRIDE', 'SYS_BOOT', 'SYS_TIME', 'SYSLOG', 'MAC_ADMIN', 'MAC_OVERRIDE', 'PERFMON',
    'CHECKPOINT_RESTORE', 'AUDIT_CONTROL', 'AUDIT_READ', 'LINUX_IMMUTABLE', 'MKNOD', 'SETFCAP', 'SYS_CHROOT',
    'SYS_RESOURCE'
  )
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, workload
