-- title = "Many secrets read one by one"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0009/T1213",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "One identity read many different secrets, or the secrets of many namespaces, within half an hour, and not as a controller does, which reads the same ones again and again: the way a stolen token is emptied."
-- benign = [
--   "A migration or backup script",
--   "An operator that starts for the first time",
--   "A dashboard that reads for many people by impersonation",
-- ]
-- blind = [
--   "the same sweep spread over hours or several identities",
--   "a thief who reads only what the stolen identity reads all day",
-- ]
-- triage = [
--   "Which of these secrets does the identity own?",
--   "Was the identity used from its usual address?",
--   "Rotate every secret in the list",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]
-- params = { secrets = 15 }

with reads as (
  select cluster, username, secret, ts, audit_id, client_ip, user_agent, impersonated_username
  from secret_access
  where reads and scope in ('named', 'namespace') and outcome in ('allowed', 'unknown')
    and coalesce(username, '') not like 'system:node:%'
    and not in_identities('cluster_controllers', username)
    and not in_identities('secret_readers', username)
),
rare as (
  -- what a controller reads it reads again and again
  select cluster, username, secret
  from reads
  group by cluster, username, secret
  having count(distinct date_bin(interval '10 minutes', ts)) <= 2
),
counted as (
  select
    r.*,
    count(distinct r.secret) over (
      partition by r.cluster, r.username order by r.ts
      range between interval '30 minutes' preceding and current row
    ) as secrets_read
  from reads r
  join rare
    on rare.cluster = r.cluster and rare.secret = r.secret and (rare.username is not distinct from r.username)
),
sweeps as (
  select
    *,
    -- a read belongs to a sweep if one of the windows that it falls into has enough secrets
    max(secrets_read) over (
      partition by cluster, username order by ts
      range between current row and interval '30 minutes' following
    ) as most_secrets
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  count(distinct secret) || ' secrets' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  max(most_secrets) as secrets_in_30_minutes,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent,
  nullif(array_to_string(array_sort(array_agg(distinct impersonated_username)), ' '), '') as impersonated,
  array_to_string(array_sort(array_agg(distinct secret)), ' ') as secrets
from sweeps
where most_secrets >= $secrets
group by cluster, username
