-- title = "Objects were changed by hand"
-- status = "test"
-- severity = "info"
-- attack = ["TA0003/T1098"]
-- needs = "Metadata"
-- describe = "Namespaces, services, service accounts, workloads or configuration were created, changed or deleted by a person, or by a service account with a person's tool: one finding an identity, kind and verb, as context."
-- benign = ["All ordinary work"]
-- blind = ["foreign_agent: a service account or node that says it is a program is taken for one; see agent_contradicts_identity"]
-- triage = ["Was it planned?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(nullif(verb, ''), '?') || ' ' || resource as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct coalesce(namespace || '/', '') || coalesce(name, '?'))), ' ') as names,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity in ('workload', 'config') and outcome in ('allowed', 'unknown')
  -- a service account's own program is no hand
  and (actor_kind <> 'service_account' or coalesce(agent_class(user_agent), 'script') in ('cli', 'script'))
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, verb, resource
