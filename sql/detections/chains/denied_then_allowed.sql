-- title = "Refused, then allowed by its own doing"
-- status = "test"
-- severity = "high"
-- attack = ["TA0004/T1098.006", "TA0004/T1134", "TA0006/T1528"]
-- needs = "Metadata"
-- describe = "An identity was refused something sensitive and got it within a day: under another name, after it changed roles or bindings itself, or with a token that it minted meanwhile."
-- benign = ["An administrator who gives himself what he lacks, or uses --as on purpose: name him as operator"]
-- blind = [
--   "rights that somebody else gives in between",
--   "null_columns.annotations: the id of a minted token stands there",
--   "a credential that was found rather than minted: see exec_then_token_elsewhere",
-- ]
-- triage = [
--   "What was read or run in the end?",
--   "How could the identity change its rights? Only bind and escalate allow that",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

with wanted as (
  select
    cluster, ts, audit_id, username, actor, impersonated_username, client_ip, credential_id, resource,
    coalesce(subresource, '') as subresource, coalesce(namespace, '') as namespace, outcome, user_agent, verb
  from sensitive
  where sensitivity in ('secret', 'exec', 'token', 'node_proxy', 'certificate', 'rbac', 'workload')
    and username is not null
    and not in_identities('cluster_controllers', username)
),
-- what they wrote to gain rights, and what they minted
grants as (
  select cluster, ts, audit_id, username, actor, client_ip, resource, name, issued_credential_id
  from sensitive
  where outcome in ('allowed', 'unknown')
    and (sensitivity = 'rbac' or (sensitivity = 'token' and issued_credential_id is not null))
    and starts_with(username, 'system:node:') is not true
    and not in_identities('cluster_controllers', username)
),
pairs as (
  select
    d.cluster, d.username, d.actor, d.audit_id as denied_id, d.ts as denied_at, a.audit_id as allowed_id,
    a.ts as allowed_at, a.actor as allowed_as, a.username as allowed_user, a.impersonated_username as allowed_name,
    a.credential_id,
    a.client_ip as allowed_from, d.client_ip as denied_from, a.resource, a.subresource, a.namespace, a.user_agent,
    a.verb
  from wanted d
  join wanted a on a.cluster = d.cluster and a.resource = d.resource and a.subresource = d.subresource
    and a.namespace = d.namespace
  where d.outcome = 'denied' and a.outcome in ('allowed', 'unknown')
    and a.ts > d.ts and a.ts - d.ts <= interval '24 hours'
),
found as (
  select p.*, null as means, 'under another name' as how
  from pairs p
  where p.allowed_user in (p.username, p.actor) and p.allowed_name is not null
    and (p.allowed_as is distinct from p.actor)
  union all
  select p.*, g.audit_id as means, 'after a change of ' || g.resource || ' of its own' as how
  from pairs p
  join grants g on g.cluster = p.cluster
  where p.allowed_as = p.actor and g.issued_credential_id is null
    and g.ts between p.denied_at and p.allowed_at
    and (
      g.username in (p.username, p.actor)
      -- or whoever sits at the same address
      or (
        g.client_ip = p.denied_from and g.client_ip = p.allowed_from
        and ip_class(g.client_ip) in ('public', 'pod', 'private') and (g.username is distinct from p.username)
        and starts_with(p.username, 'system:serviceaccount:')
      )
    )
  union all
  select p.*, g.audit_id as means, 'with a token that it minted' as how
  from pairs p
  join grants g on g.cluster = p.cluster and g.issued_credential_id = p.credential_id
  where g.username in (p.username, p.actor) and g.ts between p.denied_at and p.allowed_at
    and (p.allowed_as is distinct from p.actor)
)
select
  first_value(allowed_id order by allowed_at, allowed_id) as audit_id,
  min(denied_at) as first_seen,
  max(allowed_at) as last_seen,
  username as actor,
  concat_ws('/', nullif(namespace, ''), resource, nullif(subresource, '')) as object,
  count(distinct allowed_id) + count(distinct denied_id) + count(distinct means) as events,
  cluster,
  array_concat(
    array_agg(distinct denied_id), array_agg(distinct allowed_id),
    array_agg(distinct means) filter (where means is not null)
  ) as audit_ids,
  array_to_string(array_sort(array_agg(distinct how)), ', ') as how,
  array_to_string(array_sort(array_agg(distinct allowed_as)), ' ') as allowed_as,
  min(allowed_from) as client_ip,
  min(user_agent) as user_agent
from found
group by cluster, username, namespace, resource, subresource
