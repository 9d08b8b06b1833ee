-- title = "Possible weakening of a namespace's pod security"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0005/T1562"]
-- needs = "Request"
-- resources = ["namespaces"]
-- describe = "The pod security labels of a namespace were set to privileged, or removed."
-- benign = ["A namespace for node agents"]
-- blind = ["a step down from restricted to baseline", "a label that an update leaves out"]
-- triage = ["Which pods were started there since?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource = 'namespaces' and sensitivity = 'config' and outcome in ('allowed', 'unknown')
  and (
    -- privileged, however it is written; NULL, which removes a label in a merge patch
    regexp_like(
      json_written(request_object), 'pod-security\.kubernetes\.io/(enforce|audit|warn)" *: *("privileged"|null)'
    )
    -- a JSON patch that removes the label, or all labels
    or regexp_like(
      request_object,
      '"op" *: *"remove"[^{}]*"path" *: *"/metadata/labels("|/pod-security\.kubernetes\.io~1(enforce|audit|warn)")'
      || '|"path" *: *"/metadata/labels("|/pod-security\.kubernetes\.io~1(enforce|audit|warn)")[^{}]*"op" *: *"remove"'
    )
  )
  -- OpenShift's network operator labels the namespaces of its own node agents
  and (
    username = 'system:serviceaccount:openshift-network-operator:default'
    and impersonated_username is null
    and name in ('openshift-multus', 'openshift-network-diagnostics', 'openshift-ovn-kubernetes')
  ) is not true
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, name
