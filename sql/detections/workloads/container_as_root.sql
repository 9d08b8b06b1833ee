-- title = "A container that runs as root or may become it"
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
-- describe = "A workload was written that asks for user 0, or that says itself that its processes may gain privileges: one finding an identity and namespace, as context."
-- benign = ["Many images"]
-- blind = ["images that run as root without being asked to"]
-- triage = ["Which workloads, and what else may they do?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct workload)), ' ') as workloads,
  client_ip,
  min(user_agent) as user_agent
from pod_specs
where outcome in ('allowed', 'unknown')
  and (
    json_get_int(spec, 'securityContext', 'runAsUser') = 0
    or array_has(json_texts(spec, '*', '*', 'securityContext', 'runAsUser'), '0')
    or array_has(json_texts(spec, '*', '*', 'securityContext', 'allowPrivilegeEscalation'), 'true')
  )
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace
