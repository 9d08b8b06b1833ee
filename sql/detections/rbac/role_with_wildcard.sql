-- title = "Role with wildcards"
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
-- describe = "A role was written one of whose rules is for all resources of the core group or of all groups, or for all verbs on secrets, pods, workloads or RBAC."
-- benign = ["Operators of vendors that ask for everything"]
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
  and (
    (
      array_has(rule_resources, '*')
      and (rule_api_groups is null or array_has_any(rule_api_groups, make_array('', '*')))
    )
    or (
      array_has(rule_verbs, '*')
      -- a JSON patch may hold only a part of a rule: what it leaves out counts as fitting
      and (
        (rule_resources is null and rule_urls is null)
        or array_has_any(
          rule_resources,
          make_array(
            '*', 'secrets', 'pods', 'nodes', 'serviceaccounts', 'roles', 'clusterroles', 'rolebindings',
            'clusterrolebindings', 'deployments', 'daemonsets', 'statefulsets', 'jobs', 'cronjobs'
          )
        )
      )
      and (
        rule_api_groups is null
        or array_has_any(rule_api_groups, make_array('', '*', 'apps', 'batch', 'rbac.authorization.k8s.io'))
      )
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, namespace, name
