-- title = "Possible takeover by the configuration of a component"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098",
--   "TA0005/T1562",
-- ]
-- needs = "Metadata"
-- resources = ["configmaps"]
-- describe = "The ConfigMap that a component of the cluster takes its rights, trust or rules from was changed or deleted."
-- benign = ["An upgrade of the component by hand"]
-- blind = [
--   "configuration in custom resources, secrets or files",
--   "aws-auth and DNS: see aws_auth_changed and dns_config_changed",
-- ]
-- triage = [
--   "What changed? Compare with the repository",
--   "Who may sign in, or what is trusted, since?",
-- ]
-- references = [
--   "https://argo-cd.readthedocs.io/en/stable/operator-manual/rbac/",
--   "https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '*') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource = 'configmaps' and sensitivity = 'config' and outcome in ('allowed', 'unknown')
  -- what is installed once is not changed by its creation
  and (verb is distinct from 'create')
  and (
    name in (
      'argocd-cm', 'argocd-rbac-cm', 'argocd-cmd-params-cm', 'argocd-ssh-known-hosts-cm', 'argocd-tls-certs-cm',
      'argocd-gpg-keys-cm'
    )
    or namespace = 'kube-system' and name in (
      'kube-proxy', 'extension-apiserver-authentication', 'kubeadm-config', 'kubelet-config', 'cilium-config',
      'calico-config', 'amazon-vpc-cni', 'aws-for-fluent-bit', 'konnectivity-agent', 'ip-masq-agent', 'kube-flannel-cfg'
    )
    or namespace = 'kube-public' and name = 'cluster-info'
    or namespace = 'kube-flannel' and name = 'kube-flannel-cfg'
    or namespace = 'istio-system' and name in ('istio', 'istio-sidecar-injector')
    or namespace = 'ingress-nginx' and name = 'ingress-nginx-controller'
    or namespace = 'kyverno' and name = 'kyverno'
    or namespace = 'falco' and name = 'falco'
    or namespace = 'openshift-config' and name in ('user-ca-bundle', 'admin-acks', 'initial-kube-apiserver-server-ca')
  )
  and not in_identities('eks_controllers', username)
  and not in_identities('aks_controllers', username)
  and not in_identities('gke_controllers', username)
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name
