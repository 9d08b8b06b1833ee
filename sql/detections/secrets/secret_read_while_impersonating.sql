-- title = "Possible cover: secrets read under another name"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0005/T1550",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Secrets were read with impersonation: the rights of one identity, the credential of another."
-- benign = ["A dashboard or proxy that impersonates its users"]
-- triage = ["Why did the identity not use its own rights?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  impersonated_username,
  client_ip,
  min(user_agent) as user_agent
from secret_access
where reads and impersonated_username is not null and outcome in ('allowed', 'unknown')
group by cluster, date, username, impersonated_username, client_ip
