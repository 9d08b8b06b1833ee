-- title = "Nodes listed by hand"
-- status = "test"
-- severity = "info"
-- attack = ["TA0007/T1613", "TA0007/T1018"]
-- needs = "Metadata"
-- describe = "A person, or a service account with a person's tool, listed the nodes: context for what follows."
-- benign = ["kubectl get nodes, and every console"]
-- blind = ["foreign_agent: a service account under a program's agent"]
-- triage = ["Does the identity look after nodes?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  'nodes' as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  bool_or(outcome = 'allowed') as allowed
from activity
where resource = 'nodes' and subresource is null and coalesce(verb, 'list') in ('list', 'watch', '')
  and name is null
  and (actor_kind = 'human' or coalesce(agent_class(user_agent), 'script') in ('cli', 'script'))
  and actor_kind in ('human', 'service_account', 'anonymous')
  and not in_identities('cluster_controllers', username)
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip
