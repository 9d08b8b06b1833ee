-- title = "Possible theft: secrets read after they were refused"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0004/T1098.006",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "An identity was refused secrets and within the hour got secrets from the same namespace for the first time, because a right was added or because it asked for less. Where a role or binding was written in between, the finding says by whom."
-- benign = ["An application whose role was repaired"]
-- blind = [
--   "identities that nobody knows: see anonymous_access",
--   "kubelets, which are refused for a moment whenever a pod comes or goes",
-- ]
-- triage = [
--   "Who gave the right, and did the same person ask for it?",
--   "Does the identity read on, as an application does?",
-- ]

with refused as (
  select distinct cluster, actor
  from secret_access
  where reads and outcome = 'denied' and actor is not null
    and actor_kind not in ('anonymous', 'unauthenticated', 'node')
    and not in_identities('cluster_controllers', username)
),
tries as (
  select
    s.cluster, s.actor, s.ts, s.audit_id, s.outcome, s.namespace, s.secret, s.client_ip, s.user_agent, s.username,
    s.outcome = 'denied' and s.scope = 'cluster' as denied_wide,
    -- an operator that is refused the whole cluster falls back to its own namespace
    (s.service_account_namespace is not distinct from s.namespace)
      and agent_class(coalesce(s.user_agent, '')) = 'component' as at_home
  from secret_access s
  join refused r on r.cluster = s.cluster and r.actor = s.actor
  where s.reads and s.outcome in ('denied', 'allowed', 'unknown')
    and not in_identities('cluster_controllers', s.username)
    and not in_identities('secret_readers', s.username)
),
seen as (
  select
    *,
    max(case when outcome = 'denied' then ts end) over here as denied_here,
    max(case when denied_wide then ts end) over wide as denied_wide_at,
    min(case when outcome <> 'denied' then ts end) over (
      partition by cluster, actor, coalesce(namespace, '*')
    ) as first_success,
    last_value(case when outcome = 'denied' then audit_id end) ignore nulls over wide as denied_id
  from tries
  window
    here as (
      partition by cluster, actor, coalesce(namespace, '*') order by ts
      range between interval '1 hour' preceding and current row
    ),
    wide as (
      partition by cluster, actor order by ts range between interval '1 hour' preceding and current row
    )
),
hits as (
  select
    *,
    coalesce(
      case when denied_here < first_success then denied_here end,
      case when denied_wide_at < first_success and not at_home then denied_wide_at end
    ) as denied_at
  from seen
  where outcome <> 'denied' and ts <= first_success + interval '1 hour'
),
first_hits as (
  select
    cluster, actor, coalesce(namespace, '*') as namespace,
    first_value(audit_id order by ts, audit_id) as audit_id,
    min(denied_at) as denied_at,
    min(ts) as read_at,
    max(ts) as last_seen,
    count(*) as events,
    array_concat(array_agg(distinct denied_id), array_agg(audit_id order by ts, audit_id)) as audit_ids,
    array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
    min(user_agent) as user_agent,
    min(username) as username,
    min(outcome) as outcome,
    array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 50), ' ') as secrets
  from hits
  where denied_at is not null
  group by cluster, actor, coalesce(namespace, '*')
),
grants as (
  select f.cluster, f.actor, f.namespace, array_to_string(array_sort(array_agg(distinct g.actor)), ' ') as granted_by
  from first_hits f
  join sensitive g on g.cluster = f.cluster and g.ts >= f.denied_at and g.ts <= f.read_at
  where g.sensitivity = 'rbac' and g.outcome in ('allowed', 'unknown')
  group by f.cluster, f.actor, f.namespace
)
select
  f.audit_id,
  f.denied_at as first_seen,
  f.last_seen,
  f.actor,
  'secrets of ' || f.namespace as object,
  f.events,
  f.cluster,
  f.audit_ids,
  f.client_ips,
  f.user_agent,
  f.username,
  g.granted_by as roles_written_in_between_by,
  f.secrets
from first_hits f
left join grants g on g.cluster = f.cluster and g.actor = f.actor and g.namespace = f.namespace
