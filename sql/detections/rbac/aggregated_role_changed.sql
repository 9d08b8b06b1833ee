-- title = "Possible widening of built-in roles by aggregation"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Request"
-- resources = ["clusterroles"]
-- describe = "A ClusterRole whose labels add it to view, edit or admin was written with rules on secrets, exec, RBAC, nodes or everything, or an aggregation rule that picks up such roles: everyone who holds the built-in role gains the rights, and its own definition is not touched by hand."
-- benign = ["Operators that add their own resources to the built-in roles, though seldom these"]
-- blind = ["a label that is added to a role whose rules this request does not show counts as widening"]
-- triage = ["Who holds the built-in role?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles"]

with written as (
  select
    *,
    case
      when json_get_str(response_object, 'kind') = 'ClusterRole' then response_object
      else json_written(request_object)
    end as object
  from sensitive
  where resource = 'clusterroles' and verb in ('create', 'update', 'patch') and outcome in ('allowed', 'unknown')
),
ruled as (
  select
    *,
    json_get_json(object, 'metadata', 'labels') as labels,
    json_get_json(object, 'aggregationRule') as aggregation,
    unnest(
      case
        when array_length(json_texts(object, 'rules')) > 0 then json_texts(object, 'rules')
        else make_array(arrow_cast(null, 'Utf8'))
      end
    ) as rule
  from written
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(name, json_get_str(object, 'metadata', 'name'), '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct rule)), ' ') as rules,
  min(labels) as labels,
  min(aggregation) as aggregation,
  client_ip,
  min(user_agent) as user_agent
from ruled
where (
    (
      regexp_like(labels, '"rbac\.authorization\.k8s\.io/aggregate-to-[^"]+" *: *"true"')
      and (
        rule is null
        or array_has_any(
          json_texts(rule, 'resources'),
          make_array(
            '*', 'secrets', 'pods/exec', 'pods/attach', 'pods/portforward', 'pods/ephemeralcontainers', '*/exec',
            '*/attach', 'serviceaccounts/token', '*/token', 'nodes', 'nodes/proxy', '*/proxy', 'roles', 'clusterroles',
            'rolebindings', 'clusterrolebindings', 'users', 'groups', 'serviceaccounts',
            'certificatesigningrequests/approval', 'mutatingwebhookconfigurations', 'validatingwebhookconfigurations',
            'persistentvolumes'
          )
        )
        or array_has_any(json_texts(rule, 'verbs'), make_array('escalate', 'bind', 'impersonate'))
      )
    )
    -- an empty selector picks up every role
    or regexp_like(aggregation, '\{ *\}|"matchLabels" *: *\{ *\}|aggregate-to-')
  )
  -- rules for groups that no built-in resource is in
  and (
    rule is null or aggregation is not null
    or (json_texts(rule, 'apiGroups') is null)
    or array_has_any(
      json_texts(rule, 'apiGroups'),
      make_array(
        '', '*', 'rbac.authorization.k8s.io', 'certificates.k8s.io', 'admissionregistration.k8s.io',
        'authentication.k8s.io'
      )
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, coalesce(name, json_get_str(object, 'metadata', 'name'), '?')
