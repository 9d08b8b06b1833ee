-- title = "Pods were bound to nodes or evicted by hand"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0004/T1611",
--   "TA0040/T1489",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "Someone other than the scheduler bound pods to a node, which passes by taints and affinity, or someone evicted pods: one finding an identity and namespace."
-- benign = [
--   "kubectl drain",
--   "A second scheduler, an autoscaler or a descheduler",
-- ]
-- triage = [
--   "Which node were they bound to?",
--   "Is the node in maintenance?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  did || ' ' || coalesce(namespace, '*') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct coalesce(name, '?'))), ' ') as pods,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    case when subresource = 'eviction' then 'evicted' else 'bound' end as did
  from activity
  where (resource = 'pods' and subresource in ('binding', 'eviction') or resource = 'bindings')
    and (verb is null or verb not in ('get', 'list', 'watch')) and outcome in ('allowed', 'unknown')
)
where starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, did, namespace
