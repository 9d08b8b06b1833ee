select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  'own permissions' as object,
  count(*) as events,
  cluster,
  list(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(list_sort(list(distinct resource)), ',') as reviews
from sensitive
where sensitivity = 'review'
  and (agent_class(coalesce(user_agent, '')) in ('cli', 'script') or resource = 'selfsubjectrulesreviews')
group by cluster, date, actor, client_ip
