-- title = "Possible trial of a stolen service account"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0007/T1613", "TA0006/T1528"]
-- needs = "Metadata"
-- describe = "A service account that is known for days was refused something, asked for with a program that it never used."
-- benign = ["Somebody who debugs with the account's rights"]
-- blind = ["the first week of a log", "a thief who uses the same agent", "null_columns.userAgent: it compares agents"]
-- triage = ["From which address did it come? See token_foreign_address", "What was allowed in the same minutes?"]
-- references = ["https://attack.mitre.org/techniques/T1528/"]
-- params = { history_days = 7, days = 3 }

select
  first_value(d.audit_id order by d.ts, d.audit_id) as audit_id,
  min(d.ts) as first_seen,
  max(d.ts) as last_seen,
  d.actor,
  d.agent as object,
  count(*) as events,
  d.cluster,
  array_agg(d.audit_id order by d.ts, d.audit_id) as audit_ids,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', d.verb, concat_ws('/', d.resource, d.subresource), d.namespace))), ', '
  ) as requests,
  array_to_string(array_sort(array_agg(distinct d.client_ip)), ' ') as client_ips
from denied_new_agents d
where d.actor_kind = 'service_account' and d.log_days >= $history_days and d.agent_days >= $days
  and not in_identities('cluster_controllers', d.username)
  and not in_identities('operators', d.username)
group by d.cluster, d.date, d.actor, d.agent
