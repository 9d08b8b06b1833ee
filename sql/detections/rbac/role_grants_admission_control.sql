-- title = "Possible control over what the cluster admits by a new role"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
--   "TA0003/T1546",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterroles",
--   "roles",
-- ]
-- describe = "A role was written that allows writing admission webhooks or policies, API services or conversion webhooks: whoever does sees the secrets that are written and may change any object."
-- benign = ["Operators that bring webhooks, like cert-manager, Istio or Kyverno: name who installs them as operators"]
-- blind = ["rules for all resources of all groups: see role_with_wildcard"]
-- triage = [
--   "Who is bound to the role?",
--   "Would resourceNames do?",
-- ]
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
  -- a JSON patch may hold only a part of a rule: verbs and groups that it leaves out count as fitting
  and (rule_verbs is null or array_has_any(rule_verbs, make_array('create', 'update', 'patch', '*')))
  and (
    (
      array_has_any(
        rule_resources,
        make_array(
          'mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'mutatingadmissionpolicies',
          'mutatingadmissionpolicybindings', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings'
        )
      )
      and (rule_api_groups is null or array_has_any(rule_api_groups, make_array('admissionregistration.k8s.io', '*')))
    )
    or (
      array_has(rule_resources, 'apiservices')
      and (rule_api_groups is null or array_has_any(rule_api_groups, make_array('apiregistration.k8s.io', '*')))
    )
    or (
      array_has(rule_resources, '*')
      and array_has_any(rule_api_groups, make_array('admissionregistration.k8s.io', 'apiregistration.k8s.io'))
    )
  )
  -- a rule for named objects reaches nothing else, though it cannot name what it creates
  and (coalesce(array_length(rule_names), 0) = 0)
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, namespace, name
