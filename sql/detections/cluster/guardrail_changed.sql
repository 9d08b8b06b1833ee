-- title = "A quota, limit, budget or class was changed"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0040/T1496",
--   "TA0005/T1562",
-- ]
-- needs = "Metadata"
-- resources = [
--   "resourcequotas",
--   "limitranges",
--   "poddisruptionbudgets",
--   "priorityclasses",
--   "runtimeclasses",
--   "flowschemas",
-- ]
-- describe = "What bounds workloads was changed or removed: quotas, limits, disruption budgets, priorities, runtimes, or the fairness of the API server. A priority class evicts others; a runtime class leaves the sandbox."
-- benign = ["Deployments, operators and platform teams"]
-- triage = ["Which workload uses the new bounds?"]
-- references = [
--   "https://kubernetes.io/docs/concepts/policy/resource-quotas/",
--   "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct coalesce(verb, '?') || ' ' || coalesce(namespace || '/', '') || coalesce(name, '*'))), ', ') as changes,
  client_ip,
  min(user_agent) as user_agent
from (
  select *
  from activity
  where outcome in ('allowed', 'unknown') and subresource is null and (verb is null or verb not in ('get', 'list', 'watch', 'head', 'options'))
    and (
      resource in ('priorityclasses', 'runtimeclasses', 'flowschemas', 'prioritylevelconfigurations', 'podsecuritypolicies')
      or resource in ('resourcequotas', 'limitranges', 'poddisruptionbudgets') and (verb is null or verb <> 'create')
    )
)
where not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource
