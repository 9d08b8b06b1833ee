-- title = "Secrets asked for with an invalid credential"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0006/T1110",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Requests for secrets with a credential that the API server did not accept (401): expired, revoked, or guessed. The log names no identity for them."
-- benign = ["A pod that lives on after its token was revoked"]
-- triage = [
--   "Which pod or host has the address?",
--   "Did it have a valid token before?",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  '' as actor,
  coalesce(client_ip, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct secret)), ' ') as secrets
from secret_access
where actor_kind = 'unauthenticated' and outcome = 'denied'
group by cluster, date, client_ip
