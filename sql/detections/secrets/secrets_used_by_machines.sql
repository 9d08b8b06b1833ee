-- title = "Secrets used by a service account, a node or the control plane"
-- status = "test"
-- severity = "info"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "What one machine identity did to secrets in a day: which it read, by name or whole namespaces, in its own namespace and in others, and which it wrote. A fact to look things up in, and the list to rotate from once the identity turns out to be stolen."
-- benign = ["Every controller, operator and kubelet that needs a secret"]
-- blind = ["secrets beyond the first 100 of a day are counted, not named"]
-- triage = [
--   "Does the identity need the secrets of other namespaces?",
--   "Was it the workload itself, or its token in other hands?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  count(*) filter (where reads) as read_requests,
  count(*) filter (where not reads) as write_requests,
  count(*) filter (where scope <> 'named') as unnamed_requests,
  count(distinct namespace) filter (where namespace = service_account_namespace) as own_namespace,
  count(distinct namespace) filter (where namespace is distinct from service_account_namespace) as other_namespaces,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  array_to_string(array_slice(array_sort(array_agg(distinct client_ip)), 1, 20), ' ') as client_ips,
  min(user_agent) as user_agent,
  array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 100), ' ') as secrets
from secret_access
where actor_kind in ('service_account', 'node', 'control_plane') and outcome in ('allowed', 'unknown')
group by cluster, date, actor
