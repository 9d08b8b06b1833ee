-- title = "Possible intruder: pods entered in an unusual way"
-- status = "experimental"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0008/T1021",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "An identity with a history entered pods as it never did: for the first time, in a namespace, from a network or with a program that are new for it. At least two of these are new; why says which, and how much each adds to the surprise."
-- benign = [
--   "The first incident of someone who is on the road",
--   "A new duty of a person",
-- ]
-- blind = [
--   "identities that are new themselves",
--   "thieves who work from the network, with the program and in the namespaces of their victim",
--   "kubelets: see node_proxy_exec",
-- ]
-- triage = [
--   "Ask the person, by another channel",
--   "Which secrets do the pods hold? See exec_in_pod_with_secrets",
-- ]
-- params = { history_days = 7, bits = 8 }

select
  first_value(entry.audit_id order by entry.ts, entry.audit_id) as audit_id,
  min(entry.ts) as first_seen,
  max(entry.ts) as last_seen,
  entry.actor,
  case when count(distinct entry.pod) = 1 then min(entry.pod) else count(distinct entry.pod) || ' pods' end as object,
  count(*) as events,
  entry.cluster,
  array_agg(entry.audit_id order by entry.ts, entry.audit_id) as audit_ids,
  reasons.why,
  round(reasons.bits, 1) as bits,
  reasons.days_known,
  array_to_string(array_sort(array_agg(distinct entry.pod)), ' ') as pods,
  array_to_string(array_sort(array_agg(distinct entry.kind)), ',') as kinds,
  array_to_string(array_sort(array_agg(distinct entry.command)), ' | ') as commands,
  array_to_string(array_sort(array_agg(distinct entry.client_ip)), ' ') as client_ips,
  min(entry.user_agent) as user_agent
from unusual_days reasons
join pod_access entry
  on entry.cluster = reasons.cluster and entry.date = reasons.date and entry.actor = reasons.actor
where reasons.kind = 'exec' and reasons.log_days >= $history_days and reasons.bits >= $bits
  and entry.resource = 'pods' and entry.outcome in ('allowed', 'unknown')
  and not (in_identities('operators', entry.username) and in_identities('operators', entry.actor))
group by entry.cluster, entry.date, entry.actor, reasons.why, reasons.bits, reasons.days_known
