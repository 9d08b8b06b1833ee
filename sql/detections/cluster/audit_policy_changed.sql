-- title = "Possible blinding of the audit log"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0005/T1562.008"]
-- needs = "Metadata"
-- resources = [
--   "apiservers",
--   "auditsinks",
--   "configmaps",
-- ]
-- describe = "An object that says what is audited was changed: the audit profile of OpenShift, an audit sink, or a ConfigMap with a policy."
-- benign = ["A planned change of the audit profile"]
-- blind = ["a policy file on the disk of a node, and the settings of a cloud"]
-- triage = [
--   "Which requests are no longer logged? See log_gap",
--   "Who made the change, and what did they do next?",
-- ]
-- references = ["https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '*') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from (
  select *
  from activity
  where outcome in ('allowed', 'unknown') and (verb is null or verb not in ('get', 'list', 'watch', 'head', 'options'))
    and subresource is null
    and (
      resource in ('apiservers', 'kubeapiservers', 'auditsinks')
      or resource = 'configmaps' and (verb is distinct from 'create') and name in (
        'audit-policy', 'audit-policies', 'audit-config', 'audit-webhook', 'audit-webhook-config', 'apiserver-audit-policy',
        'kube-apiserver-audit-policy', 'kube-apiserver-audit-policies', 'kube-apiserver-audit-policy-default'
      )
    )
    -- OpenShift's operators carry a change of the profile on
    and (
      username = actor
      and username in (
        'system:serviceaccount:openshift-kube-apiserver-operator:kube-apiserver-operator',
        'system:serviceaccount:openshift-apiserver-operator:openshift-apiserver-operator',
        'system:serviceaccount:openshift-authentication-operator:authentication-operator',
        'system:serviceaccount:openshift-cluster-version:default'
      )
    ) is not true
)
where not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, namespace, name
