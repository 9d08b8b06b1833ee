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
-- describe = "A role was written that allows reading secrets without naming them."
-- benign = ["Operators that handle secrets"]
-- triage = ["Would resourceNames do?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, coalesce(namespace || '/', '') || coalesce(name, '?') as object, count(distinct audit_id) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  resource, array_to_string(array_sort(array_agg(distinct rule)), ' ') as rules, client_ip, min(user_agent) as user_agent
from rbac_rules
where outcome in ('allowed', 'unknown')
  and array_has_any(rule_resources, make_array('secrets', '*'))
  and array_has_any(rule_verbs, make_array('get', 'list', 'watch', '*'))
  and coalesce(array_length(rule_names), 0) = 0
  and (array_length(rule_api_groups) is null or array_has_any(rule_api_groups, make_array('', '*')))
  and actor_kind <> 'control_plane'
 and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
group by cluster, date, actor, client_ip, resource, namespace, name
