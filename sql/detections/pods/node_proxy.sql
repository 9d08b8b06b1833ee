-- title = "Possible reconnaissance through the kubelet"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0007/T1613",
--   "TA0004/T1611",
-- ]
-- needs = "Metadata"
-- resources = ["nodes"]
-- describe = "The kubelet was called through nodes/proxy by someone who is not monitoring: it lists pods with their environment, and serves logs."
-- benign = ["Node problem tools and support bundles"]
-- blind = [
--   "calls to the kubelet's own port: see kubelet_called_directly",
--   "get_for_create: to get metrics is what monitoring does all day",
-- ]
-- triage = ["Which path was asked for?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct request_uri)), ' ') as uris,
  client_ip,
  min(user_agent) as user_agent
from pod_access
where kind = 'node_proxy' and outcome <> 'denied'
  -- what monitoring reads, by the exact path, and only by a service account
  and not (
    actor_kind in ('service_account', 'control_plane')
    and impersonated_username is null
    and coalesce(verb, '') = 'get'
    and coalesce(kubelet_path, '') in (
      '/metrics', '/metrics/cadvisor', '/metrics/probes', '/metrics/resource', '/stats/summary', '/healthz'
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, name
