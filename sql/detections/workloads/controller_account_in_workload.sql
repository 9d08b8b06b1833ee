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
-- blind = ["pods that a controller makes from a workload written before the log begins"]
-- triage = [
--   "What may the account do?",
--   "What did its token do since? See activity",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  workload || ' as ' || service_account as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from pod_specs
where namespace = 'kube-system' and outcome in ('allowed', 'unknown')
  and in_identities('cluster_controllers', 'system:serviceaccount:kube-system:' || service_account)
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, workload, service_account
