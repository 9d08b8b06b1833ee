-- title = "Token minted for a system service account"
-- status = "test"
-- severity = "high"
-- attack = ["TA0003/T1098", "TA0004/T1078", "TA0006/T1528"]
-- needs = "Metadata"
-- resources = ["serviceaccounts"]
-- describe = "Someone who is neither a kubelet nor the control plane made a token of a service account in kube-system, kube-public or kube-node-lease. Some of the controllers there may do anything, and their names are excused in many places."
-- benign = ["Debugging of an add-on with its own rights"]
-- triage = [
--   "What may the account do? Some controllers of kube-system may write roles",
--   "Where was the token used? See minted_token_used",
--   "Delete and recreate the service account to end the token",
-- ]
-- references = [
--   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
--   "https://attack.mitre.org/techniques/T1528/",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  namespace || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct issued_credential_id)), ' ') as issued_credential_ids
from sensitive
where sensitivity = 'token' and coalesce(verb, 'create') = 'create' and outcome in ('allowed', 'unknown')
  and namespace in ('kube-system', 'kube-public', 'kube-node-lease')
  and (
    impersonated_username is not null
    or (username is distinct from 'system:serviceaccount:' || namespace || ':' || coalesce(name, ''))
  )
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip, namespace, name
