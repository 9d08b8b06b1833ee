-- title = "Full administrator at work"
-- status = "test"
-- severity = "info"
-- attack = ["TA0001/T1078", "TA0004/T1078"]
-- needs = "Metadata"
-- describe = "An identity of system:masters, which no role can restrain, or of another such group did something sensitive: one finding an identity, address and day."
-- benign = ["Administration, where nobody has a name of his own"]
-- blind = ["null_columns.groups: another name than the usual ones is known by its groups"]
-- triage = [
--   "Who holds the credential? system:masters cannot be taken from a certificate",
--   "Could the work be done under a name, with fewer rights?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  coalesce(client_ip, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri)), subresource))), ', '
  ) as requests,
  array_to_string(array_sort(array_agg(distinct credential_id)), ' ') as credential_ids,
  min(user_agent) as user_agent
from sensitive
where (
    array_has(groups, 'system:masters')
    or array_has(groups, 'kubeadm:cluster-admins')
    or array_has(impersonated_groups, 'system:masters')
    or array_has(impersonated_groups, 'kubeadm:cluster-admins')
    or username in (
      'kubernetes-admin', 'kubernetes-super-admin', 'system:admin', 'masterclient', 'clusterAdmin', 'kube:admin'
    )
    or in_identities('admin_users', username)
    or in_identities('admin_users', impersonated_username)
  )
  and sensitivity not in ('other', 'denied')
  and not in_identities('cluster_controllers', username)
group by cluster, date, username, client_ip
