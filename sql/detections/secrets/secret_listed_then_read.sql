-- title = "Possible theft: secrets listed, then read one by one"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0007/T1613",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Someone listed the secrets of a namespace and within ten minutes read from it by name: a person several, anyone with a workload's token and a command line tool or a script at least one. The way of someone who looks what there is."
-- benign = ["An administrator who looks for the right secret"]
-- blind = [
--   "who lists the whole cluster: see secrets_read_cluster_wide",
--   "foreign_agent: controllers list and get all day, and are told from a workload's token in other hands by the agent",
-- ]
-- triage = ["Are the secrets that were picked worth more than the others?"]
-- params = { secrets = 3 }

with by_hand as (
  select *
  from secret_access
  where reads and outcome in ('allowed', 'unknown')
    and (actor_kind in ('human', 'anonymous') or agent_class(coalesce(user_agent, '')) in ('cli', 'script'))
    and not in_identities('cluster_controllers', username)
    and not in_identities('secret_readers', username)
),
lists as (
  select cluster, actor, namespace, ts, min(audit_id) as audit_id
  from by_hand
  where scope = 'namespace'
  group by cluster, actor, namespace, ts
),
picked as (
  select
    r.cluster, r.date, r.actor, r.actor_kind, r.namespace, r.secret, r.ts, r.audit_id, r.client_ip, r.user_agent,
    r.username, min(l.ts) as listed_at, min(l.audit_id) as list_id
  from by_hand r
  join lists l
    on l.cluster = r.cluster and (l.actor is not distinct from r.actor) and l.namespace = r.namespace
      and r.ts > l.ts and r.ts <= l.ts + interval '10 minutes'
  where r.scope = 'named'
  group by
    r.cluster, r.date, r.actor, r.actor_kind, r.namespace, r.secret, r.ts, r.audit_id, r.client_ip, r.user_agent,
    r.username, r.event_hash
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(listed_at) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  array_concat(array_agg(distinct list_id), array_agg(distinct audit_id)) as audit_ids,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent,
  min(username) as username,
  array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 50), ' ') as secrets
from picked
group by cluster, actor, actor_kind, namespace
having count(distinct secret) >= case when actor_kind = 'human' then $secrets else 1 end
