-- title = "A way into a pod was refused"
-- status = "test"
-- severity = "low"
-- attack = ["TA0002/T1609"]
-- needs = "Metadata"
-- resources = [
--   "pods",
--   "nodes",
--   "services",
-- ]
-- describe = "Someone who is no program tried exec, attach, port-forward, a proxy or an ephemeral container and was refused."
-- benign = ["Developers who try what they may not"]
-- triage = ["What else did the identity try, and what was answered?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(actor, '?') as actor,
  case when count(distinct target) = 1 then min(target) else count(distinct target) || ' pods' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct kind)), ',') as kinds,
  array_to_string(array_sort(array_agg(distinct target)), ' ') as targets,
  bool_or(coalesce(auth_decision, '') = 'allow') as refused_after_authorization,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, coalesce(pod, resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '*')) as target
  from pod_access
  -- programs: see pod_exec_denied_to_program
  where outcome = 'denied' and actor_kind not in ('service_account', 'node', 'control_plane')
)
group by cluster, date, actor, client_ip
