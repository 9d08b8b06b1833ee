-- title = "Possible hiding behind another request's audit id"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0005/T1036",
--   "TA0005/T1562",
-- ]
-- needs = "Metadata"
-- describe = "A sensitive request bears the audit id of a different request: the client chose it, to be merged away by tools that trust the id."
-- benign = ["An aggregated API server that passes on the id of a request"]
-- triage = ["Who sent the request, by credential and address?"]
-- references = ["https://github.com/kubernetes/kubernetes/issues/101597"]

with sensitive_ids as (
  select cluster, audit_id, request_uri, verb, username, ts, actor, client_ip, user_agent, resource
  from sensitive
  where sensitivity in ('secret', 'exec', 'node_proxy', 'token', 'rbac') and audit_id is not null
    and actor_kind not in ('control_plane', 'node') and not in_identities('cluster_controllers', actor)
)
select
  s.audit_id, min(s.ts) as first_seen, max(s.ts) as last_seen, coalesce(s.actor, '') as actor,
  s.request_uri as object, count(*) as events, s.cluster,
  min(r.request_uri) as other_uri, min(r.username) as other_user, min(s.client_ip) as client_ip, min(s.user_agent) as user_agent
from sensitive_ids s
join requests r on r.cluster = s.cluster and r.audit_id = s.audit_id
where coalesce(r.username, '') <> coalesce(s.username, '')
group by s.cluster, s.audit_id, s.actor, s.request_uri
