-- title = "Theft of a credential that owns the platform"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0004/T1078",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A secret was read or changed that by its place and name holds the keys to the whole platform: the first administrator, the password file of the log-in, the cluster's cloud account, the key that opens sealed secrets, a signing authority. Only the parts of the platform that own it should."
-- benign = ["An administrator who restores or rotates that very credential"]
-- blind = [
--   "who lists the namespace instead: see system_secrets_listed and secrets_read_cluster_wide",
--   "a thief with the token of the component that owns the secret",
-- ]
-- triage = [
--   "Was the rotation planned?",
--   "Rotate the credential; what was done with it since?",
-- ]
-- references = [
--   "https://docs.redhat.com/en/documentation/openshift_container_platform/4.17/html/authentication_and_authorization/removing-kubeadmin",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  secret as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  username,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs
from secret_access
where scope = 'named' and outcome in ('allowed', 'unknown')
  and (
    secret in (
      -- OpenShift
      'kube-system/kubeadmin',
      'openshift-config/htpasswd-secret', 'openshift-config/htpass-secret', 'openshift-config/central-htpasswd',
      'stackrox/central-htpasswd', 'rhacs-operator/central-htpasswd', 'openshift-config/pull-secret',
      'kube-system/aws-creds', 'kube-system/azure-credentials', 'kube-system/gcp-credentials',
      'kube-system/openstack-credentials', 'kube-system/vsphere-creds', 'kube-system/nutanix-credentials',
      'openshift-kube-apiserver-operator/node-system-admin-client',
      'openshift-kube-apiserver-operator/kube-apiserver-to-kubelet-signer',
      'openshift-kube-controller-manager-operator/csr-signer-signer',
      'openshift-kube-controller-manager/csr-signer', 'openshift-etcd/etcd-signer', 'openshift-config/etcd-signer',
      'openshift-machine-config-operator/node-bootstrapper-token',
      -- what people commonly call the cloud account of the whole cluster
      'kube-system/cloud-credentials', 'kube-system/azure-cloud-provider', 'kube-system/cloud-config',
      'kube-system/kubeadm-certs'
    )
    -- its name goes on with random letters
    or (namespace = 'kube-system' and coalesce(name, '') like 'sealed-secrets-key%')
    or (namespace = 'sealed-secrets' and coalesce(name, '') like 'sealed-secrets-key%')
  )
  -- kubelets fetch what the platform's own pods mount
  and not (actor_kind = 'node' and impersonated_username is null)
  and not in_identities('cluster_controllers', username)
  and not in_identities('secret_readers', username)
  and coalesce(username, '') not in (
    'system:serviceaccount:openshift-authentication-operator:authentication-operator',
    'system:serviceaccount:openshift-authentication:oauth-openshift',
    'system:serviceaccount:openshift-cloud-credential-operator:cloud-credential-operator',
    'system:serviceaccount:openshift-config-operator:openshift-config-operator',
    'system:serviceaccount:openshift-console-operator:console-operator',
    'system:serviceaccount:openshift-etcd-operator:etcd-operator',
    'system:serviceaccount:openshift-insights:gather',
    'system:serviceaccount:openshift-insights:operator',
    'system:serviceaccount:openshift-kube-apiserver-operator:kube-apiserver-operator',
    'system:serviceaccount:openshift-kube-controller-manager-operator:kube-controller-manager-operator',
    'system:serviceaccount:openshift-machine-config-operator:machine-config-controller',
    'system:serviceaccount:openshift-machine-config-operator:machine-config-operator',
    'system:serviceaccount:openshift-machine-config-operator:machine-config-server',
    'system:serviceaccount:rhacs-operator:rhacs-operator-controller-manager',
    'system:serviceaccount:kube-system:sealed-secrets-controller',
    'system:serviceaccount:sealed-secrets:sealed-secrets-controller',
    'system:serviceaccount:kube-system:cloud-controller-manager',
    'system:serviceaccount:kube-system:cloud-node-manager'
  )
group by cluster, date, actor, username, client_ip, secret
