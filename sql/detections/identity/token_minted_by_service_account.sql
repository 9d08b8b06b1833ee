-- title = "Possible step from one service account to another"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0004/T1078", "TA0006/T1528", "TA0003/T1098"]
-- needs = "Metadata"
-- resources = ["serviceaccounts"]
-- describe = "A service account, or someone without a credential, made a token of another service account. Who breaks into a pod does this to get at more rights."
-- benign = [
--   "Vault, External Secrets, cert-manager and CI systems that make tokens for the accounts they serve: name them as operators",
-- ]
-- triage = [
--   "What may the other service account do?",
--   "Where was the token used? See minted_token_used",
--   "Who ran commands in the pod that minted it?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '?') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct issued_credential_id)), ' ') as issued_credential_ids
from sensitive
where sensitivity = 'token' and coalesce(verb, 'create') = 'create' and outcome in ('allowed', 'unknown')
  and (actor_kind in ('service_account', 'anonymous') or starts_with(username, 'system:serviceaccount:'))
  -- programs renew their own token
  and (
    impersonated_username is not null
    or (username is distinct from 'system:serviceaccount:' || coalesce(namespace, '') || ':' || coalesce(name, ''))
  )
  and not in_identities('cluster_controllers', username)
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip, namespace, name
