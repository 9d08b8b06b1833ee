-- title = "Possible theft of secrets: several read in a few minutes"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "One identity, from one address and with one agent, read several different secrets by name within six minutes, none of which it reads otherwise. A workload that fetches the secrets of its own namespace is not meant, nor one that watches them all anyway; from fifteen secrets on it is secret_sweep."
-- benign = [
--   "An administrator who compares secrets by hand",
--   "An operator that starts for the first time",
-- ]
-- blind = [
--   "two secrets at a time, or one every few minutes: see secret_read_by_hand and secrets_used_by_machines",
--   "foreign_agent: a workload's token in other hands that reads the workload's own namespace with a workload's agent",
-- ]
-- triage = [
--   "Do the secrets belong together, and to the identity?",
--   "Who is at the address?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]
-- params = { secrets = 3, sweep = 15 }

with informers as (
  -- keeps a watch on every secret: what it fetches by name it has already
  select distinct cluster, actor, coalesce(client_ip, '') as client_ip, coalesce(user_agent, '') as user_agent
  from secret_access
  where scope = 'cluster' and verb = 'watch' and outcome in ('allowed', 'unknown')
    and actor_kind = 'service_account' and impersonated_username is null
    and agent_class(coalesce(user_agent, '')) = 'component'
    and uri_query(request_uri, 'allowWatchBookmarks') = 'true'
),
reads as (
  select
    s.cluster, s.actor, s.username, s.secret, s.ts, s.audit_id, coalesce(s.client_ip, '') as client_ip,
    coalesce(s.user_agent, '') as user_agent
  from secret_access s
  left join informers i
    on i.cluster = s.cluster and i.actor = s.actor and i.client_ip = coalesce(s.client_ip, '')
      and i.user_agent = coalesce(s.user_agent, '')
  where s.reads and s.scope = 'named' and s.outcome in ('allowed', 'unknown') and i.actor is null
    -- kubelets fetch what their pods mount: see the node_ detections
    and s.actor_kind not in ('node', 'control_plane')
    and not (
      s.actor_kind = 'service_account' and (s.service_account_namespace is not distinct from s.namespace)
      and agent_class(coalesce(s.user_agent, '')) = 'component'
    )
    -- what helm keeps of each release; the name alone excuses nothing, since whoever creates a secret chooses it
    and not (
      coalesce(s.name, '') like 'sh.helm.release.v1.%' and agent_class(coalesce(s.user_agent, '')) = 'component'
    )
    and not in_identities('cluster_controllers', s.username)
    and not in_identities('secret_readers', s.username)
    and not (is_routine(s.username, s.verb, 'secrets') and agent_class(coalesce(s.user_agent, '')) = 'component')
),
rare as (
  -- what a controller reads it reads again and again
  select cluster, actor, secret
  from reads
  group by cluster, actor, secret
  having count(distinct date_bin(interval '10 minutes', ts)) <= 2
),
counted as (
  select
    r.*,
    count(distinct r.secret) over (
      partition by r.cluster, r.actor, r.client_ip, r.user_agent order by r.ts
      range between interval '6 minutes' preceding and current row
    ) as secrets_read
  from reads r
  join rare on rare.cluster = r.cluster and rare.secret = r.secret and (rare.actor is not distinct from r.actor)
),
bursts as (
  select
    *,
    -- a read belongs to a burst if one of the windows that it falls into has enough secrets
    max(secrets_read) over (
      partition by cluster, actor, client_ip, user_agent order by ts
      range between current row and interval '6 minutes' following
    ) as most_secrets
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  count(distinct secret) || ' secrets' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  max(most_secrets) as secrets_in_6_minutes,
  client_ip,
  user_agent,
  min(username) as username,
  array_to_string(array_sort(array_agg(distinct secret)), ' ') as secrets
from bursts
where most_secrets >= $secrets
group by cluster, actor, client_ip, user_agent
having max(most_secrets) < $sweep
