with reads as (
  select cluster, username, secret, ts, audit_id, client_ip, user_agent, impersonated_username
  from secret_access
  where reads and scope in ('named', 'namespace') and outcome in ('allowed', 'unknown')
    and coalesce(username, '') not like 'system:node:%'
    and not is_controller(username)
),
rare as (
  select cluster, username, secret
  from reads
  group by cluster, username, secret
  having count(distinct time_bucket(interval '10 minutes', ts)) <= 2
),
counted as (
  select
    r.*,
    count(distinct r.secret) over (
      partition by r.cluster, r.username order by r.ts
      range between interval '10 minutes' preceding and current row
    ) as secrets_read
  from reads r
  join rare
    on rare.cluster = r.cluster and rare.secret = r.secret and (rare.username is not distinct from r.username)
),
sweeps as (
  select
    *,
    max(secrets_read) over (
      partition by cluster, username order by ts
      range between current row and interval '10 minutes' following
    ) as most_secrets
  from counted
)
select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  count(distinct secret) || ' secrets' as object,
  count(*) as events,
  cluster,
  list(audit_id order by ts, audit_id) as audit_ids,
  max(most_secrets) as secrets_in_10_minutes,
  array_to_string(list_sort(list(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent,
  nullif(array_to_string(list_sort(list(distinct impersonated_username)), ' '), '') as impersonated,
  array_to_string(list_sort(list(distinct secret)), ' ') as secrets
from sweeps
where most_secrets >= 15
group by cluster, username
