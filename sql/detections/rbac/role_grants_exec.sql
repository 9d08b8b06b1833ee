-- title = "Possible way into pods and nodes by a new role"
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
-- describe = "A role was written that allows exec, attach or port-forward into pods, ephemeral containers, or the kubelet through nodes/proxy."
-- benign = ["Roles for people on call"]
-- triage = ["Who is bound to the role?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, coalesce(namespace || '/', '') || coalesce(name, '?') as object, count(distinct audit_id) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  resource, array_to_string(array_sort(array_agg(distinct rule)), ' ') as rules, client_ip, min(user_agent) as user_agent
from rbac_rules
where outcome in ('allowed', 'unknown')
  and array_has_any(rule_resources, make_array('pods/exec', 'pods/attach', 'pods/portforward', 'pods/ephemeralcontainers', 'pods/*', 'nodes/proxy', 'nodes/*', '*/*'))
  and array_has_any(rule_verbs, make_array('create', 'get', 'update', 'patch', '*'))
  and actor_kind <> 'control_plane'
 and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
group by cluster, date, actor, client_ip, resource, namespace, name
