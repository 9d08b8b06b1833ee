select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace || '/', '') || coalesce(name, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  list(distinct audit_id) as audit_ids,
  resource,
  array_to_string(list_sort(list(distinct rule)), ' ') as rules,
  client_ip,
  min(user_agent) as user_agent
from rbac_rules
where outcome in ('allowed', 'unknown')
  and list_has_any(rule_resources, ['secrets', '*'])
  and (rule_verbs is null or list_has_any(rule_verbs, ['get', 'list', 'watch', '*']))
  and (rule_api_groups is null or list_has_any(rule_api_groups, ['', '*']))
  and coalesce(len(rule_names), 0) = 0
  and not is_controller(username)
group by cluster, date, actor, client_ip, resource, namespace, name
