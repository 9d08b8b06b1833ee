-- title = "Possible abuse: roles or bindings written in an unusual way"
-- status = "experimental"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Metadata"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
--   "clusterroles",
--   "roles",
-- ]
-- describe = "An identity with a history wrote roles or bindings as it never did: for the first time, in a namespace, from a network or with a program that are new for it. At least two of these are new; why says which, and how much each adds to the surprise."
-- benign = ["A pipeline that moves to another network and rolls out its first role on the same day"]
-- blind = [
--   "identities that are new themselves",
--   "thieves who work from the network, with the program and in the namespaces of their victim",
--   "deletions: see rbac_deleted_in_bulk",
-- ]
-- triage = [
--   "Who got which rights? See binding_changed and role_changed",
--   "Ask the person, by another channel",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]
-- params = { history_days = 7, bits = 8 }

select
  first_value(change.audit_id order by change.ts, change.audit_id) as audit_id,
  min(change.ts) as first_seen,
  max(change.ts) as last_seen,
  change.actor,
  case
    when count(distinct change.target) = 1 then min(change.target)
    else count(distinct change.target) || ' roles and bindings'
  end as object,
  count(*) as events,
  change.cluster,
  array_agg(change.audit_id order by change.ts, change.audit_id) as audit_ids,
  reasons.why,
  round(reasons.bits, 1) as bits,
  reasons.days_known,
  array_to_string(array_sort(array_agg(distinct change.target)), ' ') as targets,
  array_to_string(array_sort(array_agg(distinct change.verb)), ',') as verbs,
  array_to_string(array_sort(array_agg(distinct change.client_ip)), ' ') as client_ips,
  min(change.user_agent) as user_agent
from unusual_days reasons
join (
  select *, resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '?') as target
  from sensitive
  where sensitivity = 'rbac' and verb in ('create', 'update', 'patch') and outcome in ('allowed', 'unknown')
) change
  on change.cluster = reasons.cluster and change.date = reasons.date and change.actor = reasons.actor
where reasons.kind = 'rbac' and reasons.log_days >= $history_days and reasons.bits >= $bits
  and not in_identities('cluster_controllers', change.username)
  and not (in_identities('operators', change.username) and in_identities('operators', change.actor))
group by change.cluster, change.date, change.actor, reasons.why, reasons.bits, reasons.days_known
