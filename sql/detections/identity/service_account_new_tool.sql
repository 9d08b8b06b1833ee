-- title = "Possible use of a service account's token by hand"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0006/T1528", "TA0008/T1550.001"]
-- needs = "Metadata"
-- describe = "A service account that a program used for days was used with kubectl, curl or a script for the first time."
-- benign = ["Somebody who debugs with the account's rights", "A new job that is a script"]
-- blind = [
--   "the first week of a log",
--   "foreign_agent: a thief who uses the program's agent",
--   "null_columns.userAgent: it compares agents",
-- ]
-- triage = ["From which address? See token_foreign_address", "What did it ask for with the tool?"]
-- references = ["https://attack.mitre.org/techniques/T1528/"]
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
  max(surprise) as surprise
from first_times
where feature = 'agent' and actor_kind = 'service_account'
  and log_days >= $history_days and previous_seen is null and actor_days_before >= $days
  and agent_class(value) in ('cli', 'script')
  and not in_identities('operators', actor)
group by cluster, date, actor
