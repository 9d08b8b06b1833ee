-- title = "Possible theft of a secret by an identity that does not normally read it"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "The secret has readers that come again and again; this identity read it a few times within minutes, and never before or after."
-- benign = [
--   "An administrator looking at one secret",
--   "A job that runs once a day",
-- ]
-- blind = ["logs of less than an hour, in which nothing is usual yet"]
-- triage = [
--   "Does the identity belong to the application that owns the secret?",
--   "What else did it read?",
-- ]

with extent as (
  select cluster, min(ts) as first_ts, max(ts) as last_ts from secret_access group by cluster
),
readers as (
  select cluster, secret, actor, actor_kind, count(*) as reads, min(ts) as first_seen, max(ts) as last_seen,
    first_value(audit_id order by ts) as audit_id, array_agg(audit_id order by ts) as audit_ids,
    min(client_ip) as client_ip, min(user_agent) as user_agent
  from secret_access
  where reads and scope = 'named' and outcome in ('allowed', 'unknown')
  group by cluster, secret, actor, actor_kind
),
regulars as (
  select cluster, secret, count(*) as regular_readers, min(actor) as regular_reader
  from readers
  where reads >= 4 and last_seen - first_seen >= interval '1 hour' and actor_kind in ('service_account', 'node')
  group by cluster, secret
)
select r.audit_id, r.first_seen, r.last_seen, r.actor, r.secret as object, r.reads as events, r.cluster, r.audit_ids,
  r.client_ip, r.user_agent, g.regular_reader, g.regular_readers
from readers r
join regulars g on g.cluster = r.cluster and g.secret = r.secret
join extent e on e.cluster = r.cluster
where r.reads <= 3 and r.last_seen - r.first_seen < interval '10 minutes'
  and e.last_ts - e.first_ts >= interval '1 hour'
  and r.actor_kind in ('human', 'service_account', 'anonymous')
  and not in_identities('cluster_controllers', r.actor)
  and not in_identities('secret_readers', r.actor)
  and not in_identities('operators', r.actor)
