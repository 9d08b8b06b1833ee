-- title = "Possible hiding behind another request's audit id"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0005/T1036",
--   "TA0005/T1562",
-- ]
-- needs = "Metadata"
-- describe = "A sensitive request bears the audit id of a request by another user, or for something else. Clients may choose the id, and tools that trust it merge the two and lose one."
-- benign = ["An aggregated API server that asks for something else under the id of a request"]
-- blind = ["a request of a node or a controller with a reused id", "the same request sent twice under one id"]
-- triage = ["Who sent the request, by credential and address?"]
-- references = ["https://github.com/kubernetes/kubernetes/issues/101597"]

with sensitive_ids as (
  select cluster, audit_id, request_uri, verb, username, ts, actor, client_ip, user_agent
  from sensitive
  where sensitivity in ('secret', 'exec', 'node_proxy', 'token', 'rbac') and audit_id is not null
    -- the requests of these are what others hide behind
    and coalesce(username, '') not like 'system:node:%'
    and not in_identities('cluster_controllers', username)
)
select
  s.audit_id,
  min(s.ts) as first_seen,
  max(s.ts) as last_seen,
  s.actor,
  s.request_uri as object,
  count(distinct s.ts) as events,
  s.cluster,
  min(r.request_uri) as other_uri,
  min(r.username) as other_user,
  min(s.client_ip) as client_ip,
  min(s.user_agent) as user_agent
from sensitive_ids s
-- lines, not requests: the stages of a request agree in all that is compared here
join activity r on r.cluster = s.cluster and r.audit_id = s.audit_id
-- an aggregated API server logs the same request of the same user again
where coalesce(r.username, '') <> coalesce(s.username, '')
  or coalesce(r.verb, '') <> coalesce(s.verb, '')
  or coalesce(r.request_uri, '') <> coalesce(s.request_uri, '')
group by s.cluster, s.audit_id, s.actor, s.request_uri
