-- title = "Rights granted to everyone who can log in"
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
-- describe = "A binding gives rights to all authenticated users or to all service accounts of the cluster. On some platforms everybody with an account of the provider is authenticated."
-- benign = ["The installation of a cluster, which lets everyone ask what the API server can do"]
-- blind = [
--   "a patch that adds the group to a binding with a name of its own, at level Request: see binding_changed",
--   "anonymous groups: see anonymous_granted",
-- ]
-- triage = ["Remove the binding, then look for who used the role since"]
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
where subject_name in ('system:authenticated', 'system:authenticated:oauth', 'system:serviceaccounts')
  -- what Kubernetes itself gives them
  and not (
    resource = 'clusterrolebindings' and subject_name in ('system:authenticated', 'system:serviceaccounts')
    and coalesce(role_name, '') in (
      'system:basic-user', 'system:discovery', 'system:public-info-viewer', 'system:service-account-issuer-discovery'
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
