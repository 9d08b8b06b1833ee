-- title = "Possible attempt to gain rights"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0004/T1098.006"]
-- needs = "Metadata"
-- resources = [
--   "clusterroles",
--   "roles",
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "A change of roles or bindings was refused: by authorization or, where that had allowed it, by the API server's check against escalation or by an admission policy."
-- benign = ["A pipeline whose role lacks a permission"]
-- triage = ["What else did the identity try?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  bool_or(coalesce(auth_decision, '') = 'allow') as refused_after_authorization,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'rbac' and outcome = 'denied'
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, resource, namespace, name
