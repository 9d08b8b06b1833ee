select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(nullif(verb, ''), '?') || ' ' || resource as object,
  count(*) as events,
  cluster,
  list(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(list_sort(list(distinct coalesce(namespace || '/', '') || coalesce(name, '?'))), ' ') as names,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity in ('workload', 'config') and outcome in ('allowed', 'unknown')
  and (actor_kind <> 'service_account' or coalesce(agent_class(user_agent), 'script') in ('cli', 'script'))
  and starts_with(username, 'system:node:') is not true
  and not is_controller(username)
group by cluster, date, actor, client_ip, verb, resource
