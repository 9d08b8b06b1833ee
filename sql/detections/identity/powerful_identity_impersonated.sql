-- title = "Powerful identity impersonated"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0004/T1134",
--   "TA0005/T1550.001",
-- ]
-- needs = "Metadata"
-- describe = "Someone acted as a system component, a node, an administrator, a service account of kube-system, or as a member of a group with such rights."
-- benign = ["Administrators who test what a component may do"]
-- triage = ["Who has the right to impersonate, and why?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  impersonated_username as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(first_value(impersonated_groups order by ts, audit_id), ' ') as impersonated_groups,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, '-')))), ', ') as requests
from sensitive
where impersonated_username is not null
  and (
    impersonated_username like 'system:serviceaccount:kube-system:%'
    or impersonated_username like 'system:node:%'
    or impersonated_username like 'system:kube-%'
    or impersonated_username in ('system:admin', 'system:apiserver', 'admin', 'kubernetes-admin', 'cluster-admin')
    or array_has(impersonated_groups, 'system:masters')
    or array_has(impersonated_groups, 'system:nodes')
    or array_has(impersonated_groups, 'system:serviceaccounts:kube-system')
    or array_has(impersonated_groups, 'kubeadm:cluster-admins')
  )
  and not in_identities('operators', username)
group by cluster, date, username, impersonated_username, client_ip
