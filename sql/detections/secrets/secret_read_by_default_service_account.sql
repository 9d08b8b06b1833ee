-- title = "Secrets read by a namespace's default service account"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0001/T1078.001",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "The service account named default read secrets. Every pod of the namespace that names no other account holds its token, so whoever breaks into one of them reads the same; it should have no rights at all."
-- benign = ["Charts and tutorials that bind roles to the default account"]
-- triage = [
--   "Which binding allows it? The annotation authorization.k8s.io/reason names it",
--   "Could the application have an account of its own?",
-- ]
-- references = ["https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  min(username) as username,
  array_to_string(array_slice(array_sort(array_agg(distinct client_ip)), 1, 20), ' ') as client_ips,
  min(user_agent) as user_agent,
  min(auth_reason) as allowed_by,
  array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 50), ' ') as secrets
from secret_access
where reads and service_account_name = 'default' and outcome in ('allowed', 'unknown')
group by cluster, date, actor
