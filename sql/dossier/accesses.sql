-- Every Secret that the subject reached or tried to, one row a Secret and way. how: as in secret_exposures, or written,
-- removed, denied or failed.
select
  cluster, secret_namespace as namespace, secret_name as name, how, actor, username, client_ip, user_agent,
  credential_id, pod_name, verb, outcome, through, certain,
  count(*) as requests,
  cast(min(ts) as bigint) as first_seen,
  cast(max(ts) as bigint) as last_seen,
  first_value(audit_id order by ts, audit_id) as audit_id
from (
  select
    cluster, secret_namespace, secret_name, how, ts, audit_id, actor, username, client_ip, user_agent, credential_id,
    pod_name, verb, outcome, through, certain
  from secret_exposures
  where $subject
  union all
  select
    cluster, namespace as secret_namespace, name as secret_name,
    case
      when outcome = 'denied' then 'denied'
      when outcome = 'failed' then 'failed'
      when verb = 'delete' then 'removed'
      else 'written'
    end as how,
    ts, audit_id, actor, username, client_ip, user_agent, credential_id, pod_name, verb, outcome,
    arrow_cast(null, 'Utf8') as through, true as certain
  from secret_requests
  where $subject and (outcome in ('denied', 'failed') or verb in ('create', 'update', 'delete'))
)
group by
  cluster, secret_namespace, secret_name, how, actor, username, client_ip, user_agent, credential_id, pod_name, verb,
  outcome, through, certain
order by first_seen, namespace, name, how, actor, client_ip, user_agent, credential_id, verb, through
