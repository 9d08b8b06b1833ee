-- title = "Credentials taken without any credential"
-- status = "test"
-- severity = "critical"
-- attack = ["TA0006/T1552.007", "TA0001/T1078.001", "TA0002/T1609"]
-- needs = "Metadata"
-- describe = "The API server let someone without a credential at secrets, tokens, certificates, or into a pod or node. Whoever reaches the API server has them."
-- triage = [
--   "Which binding gives rights to system:anonymous or system:unauthenticated? Remove it first",
--   "Rotate what was read",
--   "What was done from the address afterwards?",
-- ]
-- references = [
--   "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests",
--   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(actor, 'system:anonymous') as actor,
  case
    when count(distinct request_uri) = 1 then min(request_uri)
    else count(distinct request_uri) || ' paths'
  end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', verb, resource, subresource))), ', ') as requests
from sensitive
where actor_kind = 'anonymous' and outcome in ('allowed', 'unknown')
  and sensitivity in ('secret', 'exec', 'node_proxy', 'token', 'certificate')
group by cluster, date, actor, client_ip
