-- title = "Cluster-wide power granted"
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
-- describe = "A binding gives cluster-admin, or another broad role over the whole cluster, to someone."
-- benign = ["The installation of a cluster or of a tool that insists on cluster-admin"]
-- triage = [
--   "Was the change planned?",
--   "What has the subject done since?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor,
  case
    when count(distinct coalesce(namespace, '') || '/' || name) = 1 then min(role_name || ' to ' || coalesce(subject_name, '?'))
    else count(distinct coalesce(namespace, '') || '/' || name) || ' grants'
  end as object, count(distinct audit_id) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  array_to_string(
    array_sort(array_agg(distinct role_name || ' to ' || coalesce(subject_namespace || '/', '') || coalesce(subject_name, '?'))), ', '
  ) as grants, client_ip, min(user_agent) as user_agent
from rbac_bindings
where outcome in ('allowed', 'unknown')
  and (role_name in ('cluster-admin', 'system:masters')
    or (resource = 'clusterrolebindings' and role_name in ('admin', 'edit', 'system:kube-controller-manager', 'system:node')))
  and actor_kind <> 'control_plane'
 and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
group by cluster, date, actor, client_ip
