-- describe = "Who came from which address with which credential and agent, and when. impersonated: under another name than the credential's. events counts log lines. Computed once and kept."
-- reads = ["events"]
-- materialise = true

select
  cluster, actor, actor_kind, service_account_namespace, service_account_name, client_ip, credential_id, node_name,
  pod_name, pod_uid, user_agent,
  impersonated_username is not null as impersonated,
  min(ts) as first_seen,
  max(ts) as last_seen,
  count(*) as events,
  min(audit_id) as audit_id
from events
group by
  cluster, actor, actor_kind, service_account_namespace, service_account_name, client_ip, credential_id, node_name,
  pod_name, pod_uid, user_agent, impersonated_username is not null
