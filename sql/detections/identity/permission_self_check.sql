-- title = "An identity asked what it may do"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0007/T1069",
--   "TA0007/T1613",
-- ]
-- needs = "Metadata"
-- describe = "A service account, or anyone with a command line tool, asked the API server for its own rights, which is the first step with a stolen token."
-- benign = [
--   "kubectl auth can-i by administrators",
--   "Operators that check their rights at start",
-- ]
-- triage = ["What did it do next?"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, coalesce(actor, '') as actor, 'own permissions' as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  client_ip, min(user_agent) as user_agent, array_to_string(array_sort(array_agg(distinct resource)), ',') as reviews
from sensitive
where sensitivity = 'review'
  and actor_kind not in ('control_plane', 'node')
  and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
  and (agent_class(user_agent) in ('cli', 'script') or resource = 'selfsubjectrulesreviews')
group by cluster, date, actor, client_ip
