-- title = "Role that lets its holder become anyone"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterroles",
--   "roles",
-- ]
-- describe = "A role was written with escalate, bind or impersonate, or the right to write roles and bindings, in one rule with the resource that it needs."
-- benign = ["Operators that manage RBAC"]
-- triage = ["Who is bound to the role?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, coalesce(namespace || '/', '') || coalesce(name, '?') as object, count(distinct audit_id) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  resource, array_to_string(array_sort(array_agg(distinct rule)), ' ') as rules, client_ip, min(user_agent) as user_agent
from rbac_rules
where outcome in ('allowed', 'unknown')
  and (
    array_has_any(rule_verbs, make_array('escalate', 'bind'))
      and array_has_any(rule_resources, make_array('roles', 'clusterroles', '*'))
    or array_has(rule_verbs, 'impersonate')
    or array_has_any(rule_verbs, make_array('create', 'update', 'patch', '*'))
      and array_has_any(rule_resources, make_array('clusterrolebindings', 'certificatesigningrequests/approval', 'serviceaccounts/token'))
  )
  and actor_kind <> 'control_plane'
 and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
group by cluster, date, actor, client_ip, resource, namespace, name
