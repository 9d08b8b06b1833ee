-- title = "Roles and bindings were read for the first time"
-- status = "experimental"
-- severity = "low"
-- attack = [
--   "TA0007/T1069.003",
--   "TA0007/T1613",
-- ]
-- needs = "Metadata"
-- resources = [
--   "clusterroles",
--   "roles",
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "An identity with a history read at least two kinds of roles and bindings that it never read before: who may do what is the map for the next step."
-- benign = [
--   "Someone who sorts out permissions",
--   "A new version of an operator",
-- ]
-- blind = ["identities that are new themselves"]
-- triage = ["What did the identity do with what it learnt?"]
-- references = ["https://attack.mitre.org/techniques/T1069/003/"]
-- params = { history_days = 7 }

with fresh as (
  select
    *,
    split_part(value, ' ', 2) as what
  from first_times
  where feature = 'operation' and log_days >= $history_days and actor_days_before >= 3
    -- it may be a get or watch of what was only listed before: two kinds of objects are asked for
    and days_before = 0
    and regexp_like(value, '^[a-z]* ?(roles|clusterroles|rolebindings|clusterrolebindings)$')
    and not regexp_like(value, '^(create|update|patch|delete|deletecollection) ')
)
select
  first_value(audit_id order by first_seen, audit_id) as audit_id,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  actor,
  count(distinct what) || ' kinds of roles and bindings' as object,
  cast(sum(events) as bigint) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct value)), ', ') as operations,
  max(actor_days_before) as days_known
from fresh
where not in_identities('cluster_controllers', actor) and not in_identities('operators', actor)
group by cluster, date, actor
having count(distinct what) >= 2
