select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  list(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  count(distinct secret) as secrets_read,
  array_to_string(list_sort(list(distinct verb)), ',') as verbs
from secret_access
where reads and scope in ('named', 'namespace') and outcome in ('allowed', 'unknown')
  and (actor_kind in ('human', 'anonymous') or agent_class(coalesce(user_agent, '')) in ('cli', 'script'))
  and not (coalesce(name, '') like 'sh.helm.release.v1.%' and agent_class(coalesce(user_agent, '')) = 'component')
  and not is_controller(username)
group by cluster, date, actor, client_ip, namespace
