-- title = "Possible way to all secrets by a new role"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterroles",
--   "roles",
-- ]
-- describe = "A role was written one of whose rules allows reading secrets without naming them."
-- benign = ["Operators that handle secrets"]
-- blind = ["rules for all resources: see role_with_wildcard"]
-- triage = ["Would resourceNames do?"]
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
  and array_has(rule_resources, 'secrets')
  -- a JSON patch may hold only a part of a rule: what it leaves out counts as fitting
  and (rule_verbs is null or array_has_any(rule_verbs, make_array('get', 'list', 'watch', '*')))
  and (rule_api_groups is null or array_has_any(rule_api_groups, make_array('', '*')))
  and coalesce(array_length(rule_names), 0) = 0
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, namespace, name
