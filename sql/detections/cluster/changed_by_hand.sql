-- title = "Objects were changed by hand"
-- status = "test"
-- severity = "info"
-- attack = ["TA0003/T1098"]
-- needs = "Metadata"
-- describe = "Namespaces, services, service accounts, workloads or configuration were created, changed or deleted by someone who is not a controller: one finding an identity, kind and verb, as context."
-- benign = ["All ordinary work"]
-- triage = ["Was it planned?"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, verb || ' ' || resource as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  array_to_string(array_sort(array_agg(distinct coalesce(namespace || '/', '') || coalesce(name, '?'))), ' ') as names, client_ip, min(user_agent) as user_agent
from sensitive
where sensitivity in ('workload', 'config') and verb in ('create', 'update', 'patch', 'delete', 'deletecollection') and outcome in ('allowed', 'unknown')
  and actor_kind in ('human', 'anonymous', 'service_account')
  and not in_identities('cluster_controllers', actor)
  and (actor_kind <> 'service_account' or agent_class(user_agent) in ('cli', 'script'))
group by cluster, date, actor, client_ip, verb, resource
