-- title = "Somebody acted under another name"
-- status = "test"
-- severity = "low"
-- attack = ["TA0005/T1550.001"]
-- needs = "Metadata"
-- describe = "A request was made with impersonation by someone who is not an operator."
-- benign = ["Dashboards and kubectl --as"]
-- blind = ["refused impersonation, of which the log says nothing but a 403"]
-- triage = ["Did the identity lack the right itself?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  impersonated_username as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, '-')))), ', ') as requests
from sensitive
where impersonated_username is not null and not in_identities('operators', username)
group by cluster, date, username, impersonated_username, client_ip
