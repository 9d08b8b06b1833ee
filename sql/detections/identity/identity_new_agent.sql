-- title = "Identity seen with a new program"
-- status = "test"
-- severity = "low"
-- attack = ["TA0001/T1078"]
-- needs = "Metadata"
-- describe = "An identity that is known for days used a program that it never used before. Versions do not count."
-- benign = ["New tools, and programs that were renamed"]
-- blind = ["the first week of a log", "a thief who uses the same agent", "null_columns.userAgent: it compares agents"]
-- triage = ["Did the address change as well? See identity_new_network"]
-- params = { history_days = 7, days = 3 }

select
  first_value(audit_id order by first_seen, audit_id) as audit_id,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  actor,
  array_to_string(array_sort(array_agg(distinct value)), ', ') as object,
  cast(sum(events) as bigint) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  max(surprise) as surprise,
  bool_and(value_first_seen >= first_seen) as new_to_all
from first_times
where feature = 'agent' and log_days >= $history_days and previous_seen is null and actor_days_before >= $days
  and actor_kind in ('human', 'service_account')
  -- see service_account_new_tool
  and not (actor_kind = 'service_account' and agent_class(value) in ('cli', 'script'))
  and not in_identities('operators', actor)
group by cluster, date, actor
