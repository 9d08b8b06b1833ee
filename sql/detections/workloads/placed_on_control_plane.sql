-- title = "Possible way to the control plane: a pod sent to its nodes"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0004/T1611",
--   "TA0002/T1610",
-- ]
-- needs = "Request"
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
-- describe = "A pod or workload asks to run on a node of the control plane, where certificates, etcd and the keys of the cluster lie."
-- benign = [
--   "The installation of a cloud's controller manager or of a node agent",
--   "Backups of etcd",
-- ]
-- blind = [
--   "a node whose name does not say that it is of the control plane",
--   "a workload that tolerates every taint and is lucky",
-- ]
-- triage = ["On which node does the pod run, and what does it mount?"]
-- references = ["https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  workload as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  min(service_account) as service_account,
  min(json_get_str(spec, 'nodeName')) as node,
  client_ip,
  min(user_agent) as user_agent
from pod_specs
where outcome in ('allowed', 'unknown')
  and (
    regexp_like(
      concat_ws(
        ' ', array_to_string(json_texts(spec, 'nodeSelector'), ' '),
        array_to_string(json_texts(spec, 'affinity', 'nodeAffinity'), ' ')
      ),
      '"node-role\.kubernetes\.io/(control-plane|master|controlplane|etcd)"'
    )
    or resource in ('pods', 'jobs', 'cronjobs')
      and (
        array_has_any(
          json_texts(spec, 'tolerations', '*', 'key'),
          make_array(
            'node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master',
            'node-role.kubernetes.io/controlplane', 'node-role.kubernetes.io/etcd'
          )
        )
        or regexp_like(json_get_str(spec, 'nodeName'), '(^|[^a-z])(control-?plane|master|etcd|controller)([^a-z]|$)')
      )
  )
  -- OpenShift's network operator keeps its own webhook there
  and (
    username = 'system:serviceaccount:openshift-network-operator:default'
    and impersonated_username is null
    and workload = 'deployments openshift-multus/multus-admission-controller'
  ) is not true
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, workload
