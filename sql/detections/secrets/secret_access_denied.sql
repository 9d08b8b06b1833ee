-- title = "Secrets were refused"
-- status = "test"
-- severity = "low"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Requests for secrets were refused (403, or 401 without any identity)."
-- benign = [
--   "A new application whose role lacks a permission",
--   "A token that expired",
-- ]
-- triage = ["Did the same identity or address succeed later?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  count(distinct coalesce(namespace, '*')) as namespaces,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs
from secret_access
where outcome = 'denied' and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip
