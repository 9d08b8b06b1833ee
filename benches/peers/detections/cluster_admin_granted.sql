select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case
    when count(distinct binding) = 1 then min(role || ' to ' || subject)
    else count(distinct binding) || ' grants'
  end as object,
  count(distinct audit_id) as events,
  cluster,
  list(distinct audit_id) as audit_ids,
  array_to_string(list_sort(list(distinct role || ' to ' || subject)), ', ') as grants,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    coalesce(role_name, name) as role,
    coalesce(subject_namespace || '/', '') || subject_name as subject,
    coalesce(namespace || '/', '') || coalesce(name, '?') as binding
  from rbac_bindings
  where outcome in ('allowed', 'unknown') and subject_name is not null
)
where (
    role = 'cluster-admin'
    or (
      role_name in ('admin', 'edit', 'system:kube-controller-manager', 'system:node')
      and (resource = 'clusterrolebindings' or namespace = 'kube-system')
    )
  )
  and not is_controller(username)
group by cluster, date, actor, client_ip
