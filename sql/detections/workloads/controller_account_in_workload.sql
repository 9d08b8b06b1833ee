-- title = "Theft of a controller's rights by running a pod as it"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0004/T1078.001",
--   "TA0006/T1552.007",
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
-- describe = "A pod or workload was written that runs as a service account of kube-controller-manager. Those accounts belong to no pod; some of them may read all secrets or change roles."
-- benign = ["None known: route-controller and service-controller may run in a pod where a cloud's controller manager is a workload"]
-- triage = [
--   "What may the account do?",
--   "What did its token do since? See activity",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles"]

select
  -- who wrote the workload, rather than the controller that made its pods
  first_value(audit_id order by in_identities('cluster_controllers', username), ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  first_value(actor order by in_identities('cluster_controllers', username), ts, audit_id) as actor,
  first_value(workload order by in_identities('cluster_controllers', username), ts, audit_id) || ' as ' || service_account as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct workload)), ' ') as workloads,
  first_value(client_ip order by in_identities('cluster_controllers', username), ts, audit_id) as client_ip,
  first_value(user_agent order by in_identities('cluster_controllers', username), ts, audit_id) as user_agent
from pod_specs
where namespace = 'kube-system' and outcome in ('allowed', 'unknown')
  and in_identities('cluster_controllers', 'system:serviceaccount:kube-system:' || service_account)
group by cluster, date, service_account
