-- title = "The namespace default was used"
-- status = "test"
-- severity = "info"
-- attack = ["TA0002/T1610"]
-- needs = "Metadata"
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
-- describe = "A workload was created in the namespace default, which seldom has policies, quotas or an owner: one finding an identity, as context."
-- benign = ["A forgotten --namespace"]
-- triage = ["Does the workload belong there?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct resource || '/' || coalesce(name, '?'))), ' ') as workloads,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'workload' and namespace = 'default' and verb = 'create' and outcome in ('allowed', 'unknown')
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace
