-- title = "cluster-admin or a role like it granted"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "A binding gives someone cluster-admin, another broad role over the whole cluster, or admin or edit in kube-system, where the cluster's own credentials lie."
-- benign = ["The installation of a cluster or of a tool that insists on cluster-admin"]
-- blind = [
--   "a patch that adds a subject to a binding with a name of its own, at level Request: see binding_changed",
--   "roles of the control plane: see built_in_role_bound",
-- ]
-- triage = [
--   "Was the change planned?",
--   "What has the subject done since?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case
    when count(distinct binding) = 1 then min(role || ' to ' || subject)
    else count(distinct binding) || ' grants'
  end as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct role || ' to ' || subject)), ', ') as grants,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    -- a patch leaves out roleRef; the binding that Kubernetes brings is named like its role
    coalesce(role_name, name) as role,
    coalesce(subject_namespace || '/', '') || subject_name as subject,
    coalesce(namespace || '/', '') || coalesce(name, '?') as binding
  from rbac_bindings
  where outcome in ('allowed', 'unknown') and subject_name is not null
)
where (
    role = 'cluster-admin'
    or (
      role_name in ('admin', 'edit')
      and (resource = 'clusterrolebindings' or namespace = 'kube-system')
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
