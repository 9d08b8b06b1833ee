-- title = "Possible backdoor: rights granted to an outsider"
-- status = "experimental"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
--   "TA0003/T1136.003",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "A binding gives rights to a user of a mail domain that is not the granter's and that nobody in the log came from before, or to a user who is not on your list known_users."
-- benign = [
--   "The first partner or supplier who gets access",
--   "People whose names the list lacks",
-- ]
-- blind = [
--   "granters without a mail address, unless known_users is filled",
--   "outsiders in a group",
-- ]
-- triage = ["Who is the user, and who asked for the access?"]
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
    subject_name as subject,
    coalesce(namespace || '/', '') || coalesce(name, '?') as binding
  from rbac_bindings
  where outcome in ('allowed', 'unknown') and subject_name is not null
)
left join (
  select cluster as domain_cluster, lower(split_part(actor, '@', -1)) as domain, min(first_seen) as since
  from addresses
  where actor like '%_@_%'
  group by cluster, lower(split_part(actor, '@', -1))
) d
  on d.domain_cluster = cluster and d.domain = lower(split_part(subject_name, '@', -1))
where subject_kind = 'User'
  and (
    (
      subject_name like '%_@_%' and coalesce(actor, username) like '%_@_%'
      and lower(split_part(subject_name, '@', -1)) <> lower(split_part(coalesce(actor, username), '@', -1))
      -- somebody of that domain came before
      and (d.since is null or d.since > ts)
    )
    or (
      has_list('known_users') and not in_identities('known_users', subject_name)
      and not starts_with(subject_name, 'system:')
    )
  )
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
