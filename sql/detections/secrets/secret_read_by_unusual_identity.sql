-- title = "Possible theft of secrets by an identity that does not normally read them"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "The secrets have readers that come again and again; this identity read them within ten minutes, and never before or after."
-- benign = [
--   "An administrator looking at a few secrets",
--   "A job that runs once a day",
-- ]
-- blind = [
--   "logs of less than an hour, in which nothing is usual yet",
--   "a thief with the token of a regular reader",
--   "a person who reads one such secret: see secret_read_by_hand",
-- ]
-- triage = [
--   "Does the identity belong to the application that owns the secret?",
--   "What else did it read?",
-- ]

with readers as (
  select
    cluster,
    secret,
    actor,
    actor_kind,
    count(*) as reads,
    min(ts) as first_seen,
    max(ts) as last_seen,
    first_value(audit_id order by ts, audit_id) as audit_id,
    min(client_ip) as client_ip,
    min(user_agent) as user_agent
  from secret_access
  where reads and scope = 'named' and outcome in ('allowed', 'unknown')
  group by cluster, secret, actor, actor_kind
),
regulars as (
  select cluster, secret, min(actor) as regular_reader
  from readers
  where reads >= 4 and last_seen - first_seen >= interval '1 hour' and actor_kind in ('service_account', 'node')
  group by cluster, secret
)
select
  first_value(r.audit_id order by r.first_seen, r.audit_id) as audit_id,
  min(r.first_seen) as first_seen,
  max(r.last_seen) as last_seen,
  r.actor,
  case when count(*) = 1 then min(r.secret) else count(*) || ' secrets' end as object,
  cast(sum(r.reads) as bigint) as events,
  r.cluster,
  array_agg(distinct r.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct r.secret)), ' ') as secrets,
  min(r.client_ip) as client_ip,
  min(r.user_agent) as user_agent,
  min(g.regular_reader) as a_regular_reader
from readers r
join regulars g on g.cluster = r.cluster and g.secret = r.secret
where r.last_seen - r.first_seen < interval '10 minutes'
  and r.actor_kind in ('human', 'service_account', 'anonymous')
  and not in_identities('cluster_controllers', r.actor)
  and not in_identities('secret_readers', r.actor)
  and not in_identities('operators', r.actor)
group by r.cluster, r.actor, r.actor_kind
-- people look at one secret every day: a fact of secret_read_by_hand
having count(*) >= case when r.actor_kind = 'human' then 2 else 1 end
