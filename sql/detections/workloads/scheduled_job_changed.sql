-- title = "A job was created or changed"
-- status = "test"
-- severity = "low"
-- attack = ["TA0003/T1053.007"]
-- needs = "Metadata"
-- resources = [
--   "cronjobs",
--   "jobs",
-- ]
-- describe = "A CronJob or Job was created or changed by anyone but the controllers of the cluster."
-- benign = ["Deployments"]
-- triage = ["What does the job run?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource in ('cronjobs', 'jobs') and sensitivity = 'workload' and verb in ('create', 'update', 'patch')
  and outcome in ('allowed', 'unknown')
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace, name
