-- title = "Identity bound itself to a role"
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
-- describe = "The subject of a new binding is the identity that wrote it, or a group that it is in and that gets admin rights or rights over the cluster: rights that are borrowed for the moment are made to last."
-- benign = ["An administrator with temporary rights who makes them lasting with consent"]
-- blind = ["a grant to another identity of the same person"]
-- triage = [
--   "Who allowed the identity to write bindings?",
--   "What has it done since?",
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
    -- a patch leaves out roleRef; a binding is often named like its role
    coalesce(role_name, name, '?') as role,
    coalesce(subject_namespace || '/', '') || subject_name as subject,
    coalesce(namespace || '/', '') || coalesce(name, '?') as binding
  from rbac_bindings
  where outcome in ('allowed', 'unknown') and subject_name is not null
)
where (
    subject_name in (username, actor)
    or (
      subject_kind = 'ServiceAccount'
      and 'system:serviceaccount:' || subject_namespace || ':' || subject_name in (username, actor)
    )
    or (
      subject_kind = 'Group'
      and (array_has(groups, subject_name) or array_has(impersonated_groups, subject_name))
      -- see everyone_granted
      and subject_name not in ('system:authenticated', 'system:authenticated:oauth', 'system:serviceaccounts')
      and (resource = 'clusterrolebindings' or role in ('admin', 'edit', 'cluster-admin'))
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
