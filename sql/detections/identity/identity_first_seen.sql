-- title = "New user"
-- status = "test"
-- severity = "low"
-- attack = ["TA0001/T1078", "TA0003/T1136"]
-- needs = "Metadata"
-- describe = "Someone whom the log did not know in the days before used the API server."
-- benign = ["New colleagues, new components"]
-- blind = ["the first week of a log"]
-- triage = ["Who gave him the credential?", "Fill known_users, and unknown_user tells of strangers only"]
-- params = { history_days = 7 }

select
  first_value(audit_id order by first_seen, audit_id) as audit_id,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  actor,
  coalesce(
    array_to_string(array_sort(array_agg(distinct value) filter (where feature = 'network')), ' '), '?'
  ) as object,
  cast(coalesce(sum(events) filter (where feature = 'network'), sum(events)) as bigint) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct value) filter (where feature = 'agent')), ', ') as agents
from first_times
where feature in ('network', 'agent') and log_days >= $history_days
  and previous_seen is null and cast(actor_first_seen as date) >= cast(first_seen as date)
  and actor_kind = 'human'
group by cluster, date, actor
