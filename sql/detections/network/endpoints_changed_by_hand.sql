-- title = "Possible diversion of traffic by endpoints written by hand"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1557",
--   "TA0005/T1565",
-- ]
-- needs = "Metadata"
-- resources = [
--   "endpoints",
--   "endpointslices",
-- ]
-- describe = "The addresses behind a service were written by someone other than a controller: traffic for the service, or of a load balancer that trusts it, goes where they say (CVE-2021-25740)."
-- benign = ["A service for a host outside the cluster"]
-- blind = ["a service account that writes the endpoints of its own namespace"]
-- triage = [
--   "Whose addresses are they?",
--   "Which clients use the service?",
-- ]
-- references = [
--   "https://github.com/kubernetes/kubernetes/issues/103675",
--   "https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb || ' ' || resource)), ', ') as changes,
  client_ip,
  min(user_agent) as user_agent
from activity
where resource in ('endpoints', 'endpointslices') and verb in ('create', 'update', 'patch') and outcome in ('allowed', 'unknown')
  -- old clients elect their leader by Endpoints of their own namespace; operators of databases keep theirs
  and (actor_kind = 'service_account' and starts_with(username, 'system:serviceaccount:' || namespace || ':')) is not true
  -- Argo CD, OpenShift and the clouds write what they are told elsewhere
  and (
    username = actor
    and username in (
      'system:serviceaccount:argocd:argocd-application-controller',
      'system:serviceaccount:openshift-cluster-version:default',
      'system:serviceaccount:openshift-etcd-operator:etcd-operator',
      'system:serviceaccount:kube-system:cloud-controller-manager'
    )
  ) is not true
  -- it lists the kubelets as endpoints
  and (
    username = actor and namespace = 'kube-system' and regexp_like(name, '^([a-z0-9-]+-)?kubelet(-[a-z0-9]+)?$')
    and username in (
      'system:serviceaccount:monitoring:prometheus-operator',
      'system:serviceaccount:monitoring:kube-prometheus-stack-operator',
      'system:serviceaccount:monitoring:prometheus-kube-prometheus-operator',
      'system:serviceaccount:openshift-monitoring:prometheus-operator',
      'system:serviceaccount:cattle-monitoring-system:rancher-monitoring-operator'
    )
  ) is not true
  and not in_identities('eks_controllers', username)
  and not in_identities('aks_controllers', username)
  and not in_identities('gke_controllers', username)
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name
