-- title = "Rights granted to a default service account"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
--   "TA0001/T1078.001",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "A binding gives admin, edit, cluster-admin or anything over the whole cluster to the service account called default, or to all accounts of a namespace: every pod that names no account has these rights."
-- benign = ["A tool that brings no account of its own"]
-- blind = ["a patch that adds the account to a binding with a name of its own, at level Request: see binding_changed"]
-- triage = [
--   "Which pods run as this account?",
--   "Give the one that needs the rights an account of its own",
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
    -- a service account is a user too
    (subject_kind = 'ServiceAccount' and subject_name = 'default')
    or regexp_like(subject_name, '^system:serviceaccount:[^:]+:default$')
    or starts_with(subject_name, 'system:serviceaccounts:')
  )
  and (
    role in ('cluster-admin', 'admin', 'edit')
    -- rights over the whole cluster, less what everyone has
    or (
      resource = 'clusterrolebindings'
      and role not in (
        'system:basic-user', 'system:discovery', 'system:public-info-viewer', 'system:service-account-issuer-discovery'
      )
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
