-- title = "Possible use of a stolen token: program account refused at a pod"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0008/T1021",
-- ]
-- needs = "Metadata"
-- resources = [
--   "pods",
--   "nodes",
--   "services",
-- ]
-- describe = "A service account, a node or a part of the control plane tried exec, attach, port-forward, a proxy or an ephemeral container and was refused. Programs know what they may; thieves try."
-- benign = ["A pipeline or dashboard whose role lacks a permission: name it as an operator"]
-- triage = [
--   "Is there a program behind the account that enters pods?",
--   "What else did the identity try, and from where?",
-- ]

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
  where outcome = 'denied' and actor_kind in ('service_account', 'node', 'control_plane')
    and not in_identities('cluster_controllers', username)
    and not (in_identities('operators', username) and in_identities('operators', actor))
)
group by cluster, date, actor, client_ip
