-- title = "A role with write access"
-- status = "test"
-- severity = "info"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterroles",
--   "roles",
-- ]
-- describe = "A role was written that allows changing or deleting objects."
-- benign = ["Almost every operator has one"]
-- triage = ["Is it bound to a person or a program?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace || '/', '') || coalesce(name, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  resource,
  array_to_string(array_sort(array_agg(distinct rule)), ' ') as rules,
  client_ip,
  min(user_agent) as user_agent
from rbac_rules
where outcome in ('allowed', 'unknown')
  and array_has_any(rule_verbs, make_array('create', 'update', 'patch', 'delete', 'deletecollection', '*'))
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, namespace, name
