-- title = "Role of the control plane granted"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "A binding gives someone a role that Kubernetes keeps for its own controllers, nodes, scheduler or signers: few people look at who holds these, and clusterrole-aggregation-controller may escalate to anything."
-- benign = ["kubeadm and the platforms, when they make a cluster"]
-- blind = ["a patch that adds a subject to a binding with a name of its own, at level Request: see binding_changed"]
-- triage = ["Who is the subject, and is it a part of the control plane?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/rbac/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case
    when count(distinct binding) = 1 then min(role || ' to ' || subject)
    else count(distinct binding) || ' grants'
  end as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct role || ' to ' || subject)), ', ') as grants,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    -- a patch leaves out roleRef; a binding is often named like its role
    coalesce(role_name, name, '?') as role,
    coalesce(subject_namespace || '/', '') || subject_name as subject,
    coalesce(namespace || '/', '') || coalesce(name, '?') as binding
  from rbac_bindings
  where outcome in ('allowed', 'unknown') and subject_name is not null
)
where (
    starts_with(role, 'system:controller:')
    or role in (
      'system:kube-controller-manager', 'system:kube-scheduler', 'system:node', 'system:kubelet-api-admin',
      'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
      'system:certificates.k8s.io:kube-apiserver-client-approver',
      'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver',
      'system:certificates.k8s.io:kubelet-serving-approver', 'system:certificates.k8s.io:legacy-unknown-approver'
    )
  )
  -- kubeadm's own bindings
  and not (
    subject_kind = 'Group' and subject_name in ('system:bootstrappers:kubeadm:default-node-token', 'system:nodes')
    and coalesce(role_name, '') = 'system:certificates.k8s.io:certificatesigningrequests:nodeclient'
  )
  and not (
    subject_kind = 'Group' and subject_name = 'kubeadm:cluster-admins'
    and coalesce(role_name, '') = 'system:kubelet-api-admin'
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
