-- title = "Rights given and used by the same hand"
-- status = "test"
-- severity = "high"
-- attack = ["TA0004/T1098.006", "TA0003/T1098.006"]
-- needs = "Request"
-- resources = ["rolebindings", "clusterrolebindings"]
-- describe = "An identity gave rights to itself, or to another that appeared at its own address right after, and within an hour secrets, pods, tokens or roles were reached with them."
-- benign = ["An administrator who sets up an account and tries it: name him as operator"]
-- blind = [
--   "rights given to a group",
--   "an account that was already in use at that address",
--   "null_columns.sourceIPs: it compares addresses",
-- ]
-- triage = ["What was reached with the rights?", "Remove the binding, then see how its maker got there"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

with bound as (
  select
    cluster, ts, audit_id, username, actor, client_ip, role_name,
    case
      when subject_kind = 'ServiceAccount'
        then 'system:serviceaccount:' || coalesce(subject_namespace, namespace) || ':' || subject_name
      when subject_kind = 'User' then subject_name
    end as subject
  from rbac_bindings
  where outcome in ('allowed', 'unknown')
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
),
used as (
  select *, unnest(make_array(actor, case when username <> actor then username end)) as who
  from (
    select cluster, ts, audit_id, username, actor, client_ip, user_agent, verb, resource, subresource
    from sensitive
    where sensitivity in ('secret', 'exec', 'token', 'node_proxy', 'certificate', 'rbac')
      and outcome in ('allowed', 'unknown') and actor is not null
      and starts_with(username, 'system:node:') is not true
      and not in_identities('cluster_controllers', username)
  )
),
-- when each identity was first seen where
seen as (
  select cluster, actor, client_ip, min(first_seen) as first_seen
  from addresses
  where not impersonated
  group by cluster, actor, client_ip
)
select
  first_value(u.audit_id order by u.ts, u.audit_id) as audit_id,
  min(b.ts) as first_seen,
  max(u.ts) as last_seen,
  b.username as actor,
  b.subject as object,
  count(distinct u.audit_id) + count(distinct b.audit_id) as events,
  b.cluster,
  array_concat(array_agg(distinct b.audit_id), array_agg(distinct u.audit_id)) as audit_ids,
  array_to_string(array_sort(array_agg(distinct b.role_name)), ', ') as roles,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', u.verb, u.resource, u.subresource))), ', ') as requests,
  min(u.client_ip) as client_ip,
  min(u.user_agent) as user_agent
from bound b
join used u on u.cluster = b.cluster and u.who = b.subject
left join seen s on s.cluster = u.cluster and s.actor = u.username and s.client_ip = u.client_ip
where u.ts > b.ts and u.ts - b.ts <= interval '1 hour'
  and (
    -- for itself
    b.subject in (b.username, b.actor)
    -- for another, who then sits where it was given, and never did before
    or (u.client_ip = b.client_ip and ip_class(u.client_ip) <> 'loopback' and s.first_seen > b.ts)
    -- or as another, by impersonation
    or (u.username in (b.username, b.actor) and u.actor = b.subject)
  )
group by b.cluster, b.username, b.subject
