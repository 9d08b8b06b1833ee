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
-- describe = "A role was written one of whose rules allows escalating or binding roles, impersonating, writing cluster role bindings, approving certificates or minting tokens of service accounts."
-- benign = ["Operators that manage RBAC", "Tools that mint tokens for service accounts"]
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
  -- a JSON patch may hold only a part of a rule: what it leaves out counts as fitting
  and (
    (
      array_has_any(rule_verbs, make_array('escalate', 'bind', '*'))
      and (rule_resources is null or array_has_any(rule_resources, make_array('roles', 'clusterroles', '*')))
      and (rule_api_groups is null or array_has_any(rule_api_groups, make_array('rbac.authorization.k8s.io', '*')))
      and rule_urls is null
    )
    -- impersonate, and since Kubernetes 1.35 impersonate:user-info, impersonate-on:user-info:list and the like
    or regexp_like(array_to_string(rule_verbs, ' '), '(^| )impersonate')
    or (
      (rule_verbs is null or array_has_any(rule_verbs, make_array('create', 'update', 'patch', '*')))
      and array_has_any(
        rule_resources,
        make_array(
          'clusterrolebindings', 'certificatesigningrequests/approval', '*/approval', 'serviceaccounts/token', '*/token'
        )
      )
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, namespace, name
