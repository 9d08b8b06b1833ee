select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  'secrets of all namespaces' as object,
  count(*) as events,
  cluster,
  list(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  user_agent
from secret_access
where verb = 'watch' and scope = 'cluster' and outcome in ('allowed', 'unknown') and actor_kind = 'service_account'
  and not is_controller(username)
group by cluster, date, actor, client_ip, user_agent
