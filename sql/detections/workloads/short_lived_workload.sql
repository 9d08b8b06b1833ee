-- title = "A workload was created and soon deleted"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0005/T1070",
--   "TA0002/T1610",
-- ]
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
-- describe = "The same identity created and deleted a workload within a quarter of an hour: what ran in it has left no trace in the cluster."
-- benign = [
--   "kubectl run --rm",
--   "Runners of pipelines and tests",
-- ]
-- blind = [
--   "a pod that the server named, at level Metadata in older clusters",
--   "a workload that another identity deletes",
-- ]
-- triage = [
--   "What ran in it, and with which service account?",
--   "Was it privileged? See privileged_workload",
-- ]

with made as (
  select cluster, date, ts, audit_id, actor, username, client_ip, user_agent, resource, namespace, name
  from sensitive
  where sensitivity = 'workload' and verb = 'create' and outcome in ('allowed', 'unknown') and name is not null
),
gone as (
  select cluster, ts, audit_id, actor, resource, namespace, name
  from sensitive
  where sensitivity = 'workload' and verb = 'delete' and outcome in ('allowed', 'unknown') and name is not null
)
select
  first_value(m.audit_id order by m.ts, m.audit_id) as audit_id,
  min(m.ts) as first_seen,
  max(g.ts) as last_seen,
  m.actor,
  coalesce(m.namespace, '*') as object,
  count(*) as events,
  m.cluster,
  array_concat(array_agg(distinct m.audit_id), array_agg(distinct g.audit_id)) as audit_ids,
  array_to_string(array_sort(array_agg(distinct m.resource || '/' || m.name)), ' ') as workloads,
  m.client_ip,
  min(m.user_agent) as user_agent
from made m
join gone g
  on g.cluster = m.cluster and g.resource = m.resource and g.name = m.name and g.actor = m.actor
  and coalesce(g.namespace, '') = coalesce(m.namespace, '')
where g.ts > m.ts and g.ts <= m.ts + interval '15 minutes'
  and starts_with(m.username, 'system:node:') is not true
  and not in_identities('cluster_controllers', m.username)
  and not (in_identities('operators', m.username) and in_identities('operators', m.actor))
group by m.cluster, m.date, m.actor, m.client_ip, m.namespace
