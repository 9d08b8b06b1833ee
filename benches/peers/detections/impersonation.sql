select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  impersonated_username as object,
  count(*) as events,
  cluster,
  list(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(list_sort(list(distinct concat_ws(' ', verb, coalesce(resource, '-')))), ', ') as requests
from sensitive
where impersonated_username is not null
group by cluster, date, username, impersonated_username, client_ip
