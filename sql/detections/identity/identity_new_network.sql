-- title = "Identity seen in a new network"
-- status = "test"
-- severity = "low"
-- attack = ["TA0001/T1078", "TA0006/T1528"]
-- needs = "Metadata"
-- describe = "An identity that is known for days came from a network that it never came from before, and was served."
-- benign = ["People who travel, new offices, pipelines whose addresses change"]
-- blind = ["the first week of a log", "null_columns.sourceIPs: it compares networks", "a thief in the same network"]
-- triage = ["Is the network the identity's own?", "What did it do from there that it does not do elsewhere?"]
-- params = { history_days = 7, days = 3 }

select
  first_value(audit_id order by first_seen, audit_id) as audit_id,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  actor,
  array_to_string(array_sort(array_agg(distinct value)), ' ') as object,
  cast(sum(events) as bigint) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  max(surprise) as surprise,
  min(actor_first_seen) as actor_first_seen,
  bool_and(value_first_seen >= first_seen) as new_to_all
from first_times
where feature = 'network' and log_days >= $history_days and previous_seen is null and actor_days_before >= $days
  and (
    actor_kind = 'human'
    -- pods move from node to node
    or (actor_kind = 'service_account' and ip_class(split_part(value, '/', 1)) = 'public')
  )
  and not in_identities('operators', actor)
group by cluster, date, actor
