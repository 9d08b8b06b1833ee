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
-- benign = ["Roles for people on call", "Monitoring that reads metrics through nodes/proxy"]
-- blind = ["rules for all resources: see role_with_wildcard"]
-- triage = ["Who is bound to the role?"]
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
  and (rule_api_groups is null or array_has_any(rule_api_groups, make_array('', '*')))
  -- a JSON patch may hold only a part of a rule: verbs that it leaves out count as fitting
  and (
    (
      array_has_any(
        rule_resources,
        make_array(
          'pods/exec', 'pods/attach', 'pods/portforward', 'nodes/proxy',
          '*/exec', '*/attach', '*/portforward', '*/proxy'
        )
      )
      -- over WebSocket and through the kubelet, get is enough
      and (rule_verbs is null or array_has_any(rule_verbs, make_array('create', 'get', '*')))
    )
    or (
      array_has_any(rule_resources, make_array('pods/ephemeralcontainers', '*/ephemeralcontainers'))
      and (rule_verbs is null or array_has_any(rule_verbs, make_array('update', 'patch', '*')))
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, namespace, name
