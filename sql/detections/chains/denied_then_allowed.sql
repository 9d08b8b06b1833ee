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
    cluster, date, ts, audit_id, username, actor, impersonated_username, client_ip, credential_id, verb, user_agent,
    outcome, resource, coalesce(subresource, '') as subresource, coalesce(namespace, '') as namespace
  from sensitive
  where sensitivity in ('secret', 'exec', 'token', 'node_proxy', 'certificate', 'rbac', 'workload')
    and username is not null
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
),
-- a program may be refused the same every minute: once a day is enough
denied as (
  select
    cluster, username, actor, client_ip, resource, subresource, namespace,
    min(ts) as denied_at,
    first_value(audit_id order by ts, audit_id) as denied_id
  from wanted
  where outcome = 'denied'
  group by cluster, date, username, actor, client_ip, resource, subresource, namespace
),
refused_names as (
  select *, unnest(make_array(username, case when actor <> username then actor end)) as who from denied
),
-- what somebody wrote to gain rights, and what he minted
grants as (
  select *, unnest(make_array(username, case when actor <> username then actor end)) as who
  from (
    select cluster, ts, audit_id, username, actor, client_ip, resource, issued_credential_id
    from sensitive
    where outcome in ('allowed', 'unknown')
      and (sensitivity = 'rbac' or (sensitivity = 'token' and issued_credential_id is not null))
      and starts_with(username, 'system:node:') is not true
      and not in_identities('cluster_controllers', username)
  )
),
means as (
  select d.*, g.ts as granted_at, g.audit_id as means, g.resource as granted, g.issued_credential_id as token
  from refused_names d
  join grants g on g.cluster = d.cluster and g.who = d.who
  where g.ts >= d.denied_at and g.ts - d.denied_at <= interval '24 hours'
  union all
  -- or whoever sits at a service account's address
  select d.*, g.ts as granted_at, g.audit_id as means, g.resource as granted, null as token
  from refused_names d
  join grants g on g.cluster = d.cluster and g.client_ip = d.client_ip
  where g.ts >= d.denied_at and g.ts - d.denied_at <= interval '24 hours' and g.issued_credential_id is null
    and starts_with(d.who, 'system:serviceaccount:') and (ip_class(g.client_ip) is distinct from 'loopback')
    and (g.username is distinct from d.username)
),
found as (
  select
    d.cluster, d.username, d.resource, d.subresource, d.namespace, d.denied_id, d.denied_at, a.audit_id as allowed_id,
    a.ts as allowed_at, a.actor as allowed_as, a.client_ip, a.user_agent, null as means, 'under another name' as how
  from refused_names d
  join wanted a on a.cluster = d.cluster and a.username = d.who and a.resource = d.resource
    and a.subresource = d.subresource and a.namespace = d.namespace
  where a.impersonated_username is not null and (a.actor is distinct from d.actor)
    and a.outcome in ('allowed', 'unknown') and a.ts > d.denied_at and a.ts - d.denied_at <= interval '24 hours'
  union all
  select
    m.cluster, m.username, m.resource, m.subresource, m.namespace, m.denied_id, m.denied_at, a.audit_id as allowed_id,
    a.ts as allowed_at, a.actor as allowed_as, a.client_ip, a.user_agent, m.means,
    'after a change of ' || m.granted || ' of its own' as how
  from means m
  join wanted a on a.cluster = m.cluster and a.actor = m.actor and a.resource = m.resource
    and a.subresource = m.subresource and a.namespace = m.namespace
  where m.token is null and a.outcome in ('allowed', 'unknown')
    and a.ts > m.granted_at and a.ts - m.denied_at <= interval '24 hours'
  union all
  select
    m.cluster, m.username, m.resource, m.subresource, m.namespace, m.denied_id, m.denied_at, a.audit_id as allowed_id,
    a.ts as allowed_at, a.actor as allowed_as, a.client_ip, a.user_agent, m.means,
    'with a token that it minted' as how
  from means m
  join wanted a on a.cluster = m.cluster and a.credential_id = m.token and a.resource = m.resource
    and a.subresource = m.subresource and a.namespace = m.namespace
  where a.outcome in ('allowed', 'unknown') and (a.actor is distinct from m.actor)
    and a.ts > m.granted_at and a.ts - m.denied_at <= interval '24 hours'
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
  min(client_ip) as client_ip,
  min(user_agent) as user_agent
from found
group by cluster, username, namespace, resource, subresource
