-- title = "Possible persistence by a static pod"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1543.005",
--   "TA0005/T1564",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "A node reported a static pod that is not part of the control plane: someone put a manifest on the node's disk, where no role and no admission applies."
-- benign = ["Load balancers of the API server: kube-vip, haproxy, keepalived, nginx-proxy"]
-- blind = [
--   "a static pod in a namespace that does not exist, which has no mirror",
--   "a changed manifest of a component of the control plane",
-- ]
-- triage = [
--   "Which manifests lie on the node?",
--   "Who could write to its disk? See privileged_workload",
-- ]
-- references = [
--   "https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/",
--   "https://kubernetes.io/docs/concepts/security/api-server-bypass-risks/",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(pod, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    coalesce(name, json_get_str(request_object, 'metadata', 'name')) as pod,
    -- static pods are named after their node
    right(coalesce(name, json_get_str(request_object, 'metadata', 'name')), length(actor) - 11)
      = '-' || substr(actor, 13) as named_after_node,
    left(
      coalesce(name, json_get_str(request_object, 'metadata', 'name')),
      greatest(length(coalesce(name, json_get_str(request_object, 'metadata', 'name'))) - length(actor) + 11, 0)
    ) as component
  from sensitive
  where resource = 'pods' and subresource is null and verb = 'create' and outcome in ('allowed', 'unknown')
    -- a node may create mirrors of static pods and nothing else
    and starts_with(actor, 'system:node:')
)
where (
  named_after_node
  and (
    namespace = 'kube-system'
    and component in ('etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy')
    or namespace = 'openshift-etcd' and component = 'etcd'
    or namespace = 'openshift-kube-apiserver' and component = 'kube-apiserver'
    or namespace = 'openshift-kube-controller-manager' and component = 'kube-controller-manager'
    or namespace = 'openshift-kube-scheduler' and component = 'openshift-kube-scheduler'
    or namespace = 'openshift-machine-config-operator' and component = 'kube-rbac-proxy-crio'
  )
) is not true
group by cluster, date, actor, client_ip, namespace, pod
