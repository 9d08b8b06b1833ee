-- title = "An identity asked what it may do"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0007/T1069",
--   "TA0007/T1613",
-- ]
-- needs = "Metadata"
-- describe = "Someone asked for one of their own rights with a command line tool or a script, or for the list of all of them, as is the first step with a stolen token."
-- benign = [
--   "kubectl auth can-i by administrators",
--   "Dashboards, which ask what to show",
-- ]
-- blind = ["foreign_agent: a question for a single right in the name of a component"]
-- triage = ["What did it do next?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  'own permissions' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct resource)), ',') as reviews
from sensitive
where sensitivity = 'review'
  and (agent_class(coalesce(user_agent, '')) in ('cli', 'script') or resource = 'selfsubjectrulesreviews')
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip
