-- title = "Possible masquerade as a component of Kubernetes"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0005/T1036.005"]
-- needs = "Metadata"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "A pod or workload was created with the name of a component of Kubernetes where the component does not run, without the controller that makes it, or with a name that a hurried eye takes for one."
-- benign = [
--   "A cluster inside the cluster, which runs components of its own",
--   "Add-ons of the platform: name who installs them as operators",
-- ]
-- blind = [
--   "names of other components",
--   "workloads that the installer of the cluster also creates, under their own name in kube-system",
-- ]
-- triage = [
--   "Which image does it run?",
--   "Who created it, and what else did they do?",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1036/005/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  object as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct component)), ' ') as resembles,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, resource || ' ' || coalesce(namespace, '*') || '/' || full_name as object
  from (
    select
      *,
      -- without what a ReplicaSet, a DaemonSet or generateName add
      case
        when resource = 'pods' and full_name not in ('kube-proxy', 'konnectivity-agent', 'gke-metrics-agent')
          then regexp_replace(full_name, '(-[a-z0-9]{8,10})?-([a-z0-9]{5})?$', '')
        else full_name
      end as base,
      unnest(make_array(
        'kube-proxy', 'kube-apiserver', 'kube-scheduler', 'kube-controller-manager', 'cloud-controller-manager',
        'kubelet', 'coredns', 'kube-dns', 'kube-flannel', 'calico-node', 'metrics-server', 'konnectivity-agent',
        'aws-node', 'ebs-csi-controller', 'azure-cni', 'node-problem-detector', 'fluentbit-gke', 'gke-metrics-agent'
      )) as component
    from (
      select *, coalesce(name, json_get_str(request_object, 'metadata', 'generateName')) as full_name
      from sensitive
      where sensitivity = 'workload' and verb = 'create' and outcome in ('allowed', 'unknown')
    )
  )
)
where (
    -- a pod of that name that no controller made
    resource = 'pods' and base = component
    -- components that run in kube-system alone
    or base = component and (namespace is distinct from 'kube-system')
      and component in (
        'kube-proxy', 'kube-apiserver', 'kube-scheduler', 'kube-controller-manager', 'kubelet', 'kube-dns', 'aws-node',
        'fluentbit-gke', 'gke-metrics-agent'
      )
    -- an invented helper of a component beside it
    or starts_with(base, component || '-') and namespace in ('kube-system', 'kube-public', 'kube-node-lease')
      and component in ('kube-proxy', 'kube-apiserver', 'kube-scheduler', 'kube-controller-manager', 'kubelet')
      and coalesce(base, '') not in ('kube-proxy-windows', 'kube-proxy-ds', 'kubelet-csr-approver', 'kubelet-serving-cert-approver')
    -- one letter off, two in the long names
    or (base is distinct from component) and coalesce(base, '') not in ('core-dns', 'metric-server')
      and levenshtein(base, component) between 1 and case when length(component) >= 12 then 2 else 1 end
  )
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, object
