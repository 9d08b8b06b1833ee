-- title = "A role that can be built upon"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterroles",
--   "roles",
-- ]
-- describe = "A role was written one of whose rules grants something that is known to lead to more rights; permissions says what. It is one catalogue of the quieter ways: the louder ones have detections of their own."
-- benign = ["Almost every operator has some of these"]
-- blind = [
--   "rules for all resources: see role_with_wildcard",
--   "reading secrets, entering pods, admission, tokens, impersonation, escalation: see the other role_grants detections",
-- ]
-- triage = ["Who is bound to the role, and does the program need it?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

with ways as (
  select
    *,
    unnest(
      make_array(
        named_struct(
          'name', 'starts pods, with any secret and account of their namespace',
          'verbs', make_array('create', 'update', 'patch', '*'),
          'resources', make_array(
            'pods', 'deployments', 'daemonsets', 'statefulsets', 'replicasets', 'replicationcontrollers', 'jobs',
            'cronjobs', 'podtemplates', '*'
          ),
          'groups', make_array('', 'apps', 'batch', '*')
        ),
        named_struct(
          'name', 'makes tokens of accounts as secrets',
          'verbs', make_array('create', '*'),
          'resources', make_array('secrets', '*'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'changes secrets',
          'verbs', make_array('update', 'patch', '*'),
          'resources', make_array('secrets', '*'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'ties accounts to identities of the cloud',
          'verbs', make_array('update', 'patch', '*'),
          'resources', make_array('serviceaccounts', '*'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'changes nodes, so that pods move',
          'verbs', make_array('update', 'patch', 'delete', 'deletecollection', '*'),
          'resources', make_array('nodes', '*'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'moves pods',
          'verbs', make_array('create', 'delete', 'deletecollection', '*'),
          'resources', make_array('pods/eviction', '*/eviction'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'writes the status of nodes',
          'verbs', make_array('update', 'patch', '*'),
          'resources', make_array('nodes/status', '*/status'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'writes the status of pods',
          'verbs', make_array('update', 'patch', '*'),
          'resources', make_array('pods/status', '*/status'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'writes the status of services, so that addresses lead to them',
          'verbs', make_array('update', 'patch', '*'),
          'resources', make_array('services/status', '*/status'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'binds pods to nodes',
          'verbs', make_array('create', '*'),
          'resources', make_array('pods/binding', 'bindings', '*/binding', '*'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'makes volumes of paths on nodes',
          'verbs', make_array('create', '*'),
          'resources', make_array('persistentvolumes', '*'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'labels namespaces, which sets their pod security',
          'verbs', make_array('update', 'patch', '*'),
          'resources', make_array('namespaces', '*'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'writes config maps, as aws-auth and coredns are',
          'verbs', make_array('update', 'patch', '*'),
          'resources', make_array('configmaps', '*'),
          'groups', make_array('', '*')
        ),
        named_struct(
          'name', 'deletes events',
          'verbs', make_array('delete', 'deletecollection', '*'),
          'resources', make_array('events', '*'),
          'groups', make_array('', 'events.k8s.io', '*')
        ),
        named_struct(
          'name', 'asks for certificates',
          'verbs', make_array('create', '*'),
          'resources', make_array('certificatesigningrequests', '*'),
          'groups', make_array('certificates.k8s.io', '*')
        ),
        named_struct(
          'name', 'approves or signs certificates',
          'verbs', make_array('approve', 'sign', '*'),
          'resources', make_array('signers', '*'),
          'groups', make_array('certificates.k8s.io', '*')
        ),
        named_struct(
          'name', 'reads logs of pods',
          'verbs', make_array('get', '*'),
          'resources', make_array('pods/log', '*/log'),
          'groups', make_array('', '*')
        )
      )
    ) as way
  from rbac_rules
  where outcome in ('allowed', 'unknown')
    -- see role_with_wildcard
    and (
      (
        array_has(rule_resources, '*')
        and array_has_any(coalesce(rule_api_groups, make_array('*')), make_array('', '*'))
      ) is not true
    )
    and not in_identities('cluster_controllers', username)
    and not (in_identities('operators', username) and in_identities('operators', actor))
)
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
  array_to_string(array_sort(array_agg(distinct way['name'])), '; ') as permissions,
  array_to_string(array_sort(array_agg(distinct rule)), ' ') as rules,
  client_ip,
  min(user_agent) as user_agent
from ways
where array_has_any(rule_resources, way['resources'])
  -- a JSON patch may hold only a part of a rule: what it leaves out counts as fitting
  and (rule_verbs is null or array_has_any(rule_verbs, way['verbs']))
  and (rule_api_groups is null or array_has_any(rule_api_groups, way['groups']))
group by cluster, date, actor, client_ip, resource, namespace, name
