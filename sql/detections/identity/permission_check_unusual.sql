-- title = "First question about one's own rights"
-- status = "test"
-- severity = "low"
-- attack = ["TA0007/T1069"]
-- needs = "Metadata"
-- describe = "An identity that is known for days asked for the first time what it may do, or who it is."
-- benign = ["A person who tries kubectl auth can-i"]
-- blind = ["the first week of a log"]
-- triage = ["What was asked? See permission_check_sensitive", "What did it do next?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/authorization/"]
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
where feature = 'operation' and log_days >= $history_days and previous_seen is null and actor_days_before >= $days
  and value in ('create selfsubjectaccessreviews', 'create selfsubjectrulesreviews', 'create selfsubjectreviews')
  and actor_kind in ('human', 'service_account', 'node')
  and not in_identities('operators', actor)
group by cluster, date, actor
