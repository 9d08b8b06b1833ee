-- title = "A role was changed"
-- status = "test"
-- severity = "low"
-- attack = ["TA0003/T1098.006"]
-- needs = "Metadata"
-- resources = [
--   "clusterroles",
--   "roles",
-- ]
-- describe = "A Role or ClusterRole was created, changed or deleted by someone who does not run the cluster."
-- benign = ["Deployments that bring their own roles"]
-- triage = ["Which rights were added?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace || '/', '') || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  resource,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource in ('roles', 'clusterroles') and sensitivity = 'rbac' and outcome in ('allowed', 'unknown')
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, resource, namespace, name
