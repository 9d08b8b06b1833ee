-- title = "A service account was bound to a role"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "A binding gives a service account rights; across_namespaces says whether the account lives outside the namespace of the binding."
-- benign = ["Almost every deployment brings such bindings"]
-- blind = ["a patch of a binding, at level Request, does not name the role"]
-- triage = ["Which pods run as the account, and who may start pods there?"]
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
  bool_or(resource = 'clusterrolebindings') as over_the_cluster,
  bool_or(
    resource = 'rolebindings'
    and (coalesce(subject_namespace, split_part(subject_name, ':', 3)) is distinct from namespace)
  ) as across_namespaces,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    -- a patch leaves out roleRef; a binding is often named like its role
    coalesce(role_name, name, '?') as role,
    coalesce(subject_namespace || '/', '') || subject_name as subject,
    coalesce(namespace || '/', '') || coalesce(name, '?') as binding
  from rbac_bindings
  where outcome in ('allowed', 'unknown') and subject_name is not null
)
where (subject_kind = 'ServiceAccount' or starts_with(subject_name, 'system:serviceaccount:'))
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
