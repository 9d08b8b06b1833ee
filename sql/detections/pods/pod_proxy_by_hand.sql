-- title = "A pod or service was reached through the API server"
-- status = "test"
-- severity = "low"
-- attack = ["TA0008/T1021"]
-- needs = "Metadata"
-- resources = [
--   "pods",
--   "services",
-- ]
-- describe = "Someone called a pod or a service through the proxy of the API server."
-- benign = ["Dashboards and monitoring that use the proxy"]
-- triage = ["Does the service behind it trust whoever comes this way?"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, coalesce(pod, request_uri) as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids, client_ip, min(user_agent) as user_agent
from pod_access
where kind = 'proxy' and outcome in ('allowed', 'unknown')
  and actor_kind in ('human', 'anonymous', 'service_account')
  and not in_identities('cluster_controllers', actor)
group by cluster, date, actor, client_ip, coalesce(pod, request_uri)
