-- title = "A pod or service was reached through the API server"
-- status = "test"
-- severity = "low"
-- attack = ["TA0008/T1021"]
-- needs = "Metadata"
-- resources = [
--   "pods",
--   "services",
-- ]
-- describe = "Someone called a pod or a service through the proxy of the API server."
-- benign = ["Dashboards and monitoring that use the proxy"]
-- triage = ["Does the service behind it trust whoever comes this way?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  target as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, coalesce(pod, 'service ' || coalesce(namespace, '*') || '/' || coalesce(name, '*')) as target
  from pod_access
  where kind = 'proxy'
)
where outcome in ('allowed', 'unknown')
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, target
