-- title = "Possible masquerade: role or binding named like a built-in one"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0005/T1036.005",
--   "TA0003/T1098.006",
-- ]
-- needs = "Metadata"
-- resources = [
--   "clusterroles",
--   "roles",
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "Someone who does not run the cluster created a role or binding whose name begins with system: or a platform's prefix, where nobody looks twice."
-- benign = ["kubeadm, add-ons like metrics-server and the platforms, when they are installed"]
-- triage = [
--   "Does this Kubernetes version bring an object of that name?",
--   "Who got which rights by it?",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  target as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    -- a create without a name in the URI has it in the body
    coalesce(
      name, json_get_str(response_object, 'metadata', 'name'), json_get_str(request_object, 'metadata', 'name'),
      json_get_str(request_object, 'metadata', 'generateName')
    ) as full_name,
    resource || ' ' || coalesce(namespace || '/', '')
      || coalesce(name, json_get_str(request_object, 'metadata', 'name'), '?') as target
  from sensitive
  where sensitivity = 'rbac' and outcome in ('allowed', 'unknown')
    -- a patch that creates is server-side apply, with 201
    and (verb = 'create' or (verb in ('patch', 'update') and coalesce(response_code, 201) = 201))
)
where regexp_like(full_name, '^(system|eks|gke|kubeadm):')
  -- what kubeadm, metrics-server, CoreDNS and the cloud controller managers are named
  and coalesce(full_name, '') not in (
    'system:coredns', 'system:metrics-server', 'system:aggregated-metrics-reader', 'system:cloud-controller-manager',
    'system:cloud-node-controller', 'system:kube-dns',
    'kubeadm:bootstrap-signer-clusterinfo', 'kubeadm:cluster-admins', 'kubeadm:get-nodes', 'kubeadm:kubeadm-certs',
    'kubeadm:kubelet-bootstrap', 'kubeadm:kubelet-config', 'kubeadm:node-autoapprove-bootstrap',
    'kubeadm:node-autoapprove-certificate-rotation', 'kubeadm:node-proxier', 'kubeadm:nodes-kubeadm-config'
  )
  and not in_identities('cluster_controllers', username)
  and not in_identities('eks_controllers', username)
  and not in_identities('gke_controllers', username)
  and not in_identities('aks_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, target
