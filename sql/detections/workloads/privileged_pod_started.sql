-- title = "A privileged pod was started by a controller"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0004/T1611",
--   "TA0002/T1610",
-- ]
-- needs = "Request"
-- resources = ["pods"]
-- describe = "A controller created a pod that is privileged, shares something with the node, or mounts a path of it. Its workload decides whether that is right."
-- benign = ["Node agents of the platform"]
-- triage = ["Who wrote the workload?"]

with dangers as (
  select cluster, audit_id, 'privileged' as danger from pod_containers where privileged
  union
  select cluster, audit_id, 'hostPath ' || host_path as danger from pod_volumes where host_path is not null
  union
  select cluster, audit_id, 'hostNetwork' as danger from pod_specs where json_get_bool(spec, 'hostNetwork')
  union
  select cluster, audit_id, 'hostPID' as danger from pod_specs where json_get_bool(spec, 'hostPID')
)
select
  first_value(p.audit_id order by p.ts) as audit_id, min(p.ts) as first_seen, max(p.ts) as last_seen, p.actor,
  coalesce(p.namespace, '*') || '/' || coalesce(min(p.service_account), '?') as object, count(distinct p.audit_id) as events, p.cluster,
  array_agg(distinct p.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct d.danger)), ', ') as dangers
from pod_specs p
join dangers d on d.cluster = p.cluster and d.audit_id = p.audit_id
where p.resource = 'pods' and p.verb = 'create' and p.outcome in ('allowed', 'unknown')
  and (p.actor_kind = 'control_plane' or in_identities('cluster_controllers', p.actor))
group by p.cluster, p.date, p.actor, p.namespace, p.service_account
