-- title = "Possible theft of the secrets of a system namespace"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A workload's identity, or nobody known, read all secrets of a namespace in which the platform keeps its own credentials: whoever has those often has the cluster."
-- benign = ["A deployment pipeline that installs add-ons with helm, which lists its releases"]
-- blind = [
--   "people: secret_read_by_hand says what they list",
--   "foreign_agent: workloads of the namespace itself, which only the agent tells from their controller",
-- ]
-- triage = [
--   "What does the identity have to do with the platform?",
--   "Rotate what is in the namespace",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  'secrets of ' || namespace as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  username,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs
from secret_access
where reads and scope = 'namespace' and outcome in ('allowed', 'unknown')
  and namespace in (
    'kube-system', 'kube-public', 'kube-node-lease', 'default', 'openshift-config', 'openshift-config-managed',
    'openshift-etcd', 'openshift-kube-apiserver', 'openshift-machine-config-operator', 'cattle-system',
    'gatekeeper-system', 'gmp-system', 'gke-managed-system'
  )
  and actor_kind not in ('human', 'control_plane')
  -- a controller that looks after its own namespace
  and not (
    coalesce(service_account_namespace, '') = namespace and agent_class(coalesce(user_agent, '')) = 'component'
    and impersonated_username is null
  )
  and not in_identities('cluster_controllers', username)
  and not in_identities('secret_readers', username)
  and not (is_routine(username, verb, 'secrets') and agent_class(coalesce(user_agent, '')) = 'component')
group by cluster, date, actor, username, client_ip, namespace
