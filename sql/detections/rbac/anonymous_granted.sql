-- title = "Rights granted to everyone without a credential"
-- status = "test"
-- severity = "critical"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0001/T1078.001",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "A binding gives rights to system:anonymous or system:unauthenticated: whoever reaches the API server has them."
-- benign = ["kubeadm, which lets anyone read cluster-info in kube-public"]
-- triage = ["Remove the binding, then look for anonymous requests since"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(role_name, '?') || ' to ' || subject_name as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  resource,
  namespace,
  name as binding,
  client_ip,
  min(user_agent) as user_agent
from rbac_bindings
where outcome in ('allowed', 'unknown')
  and subject_name in ('system:anonymous', 'system:unauthenticated')
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, resource, namespace, name, role_name, subject_name
