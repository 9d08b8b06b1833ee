-- title = "Refused with a program not used before"
-- status = "test"
-- severity = "low"
-- attack = ["TA0007/T1613", "TA0001/T1078"]
-- needs = "Metadata"
-- describe = "A person who is known for days was refused something, asked for with a program that he never used."
-- benign = ["New tools that ask for more than their user may have"]
-- blind = ["the first week of a log", "a thief who uses the same agent", "null_columns.userAgent: it compares agents"]
-- triage = ["Did the network change as well? See identity_new_network"]
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
where d.actor_kind = 'human' and d.log_days >= $history_days and d.agent_days >= $days
  and not in_identities('cluster_controllers', d.username)
  and not in_identities('operators', d.username)
group by d.cluster, d.date, d.actor, d.agent
