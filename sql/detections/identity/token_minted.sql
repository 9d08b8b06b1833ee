-- title = "Service account token minted by hand"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0003/T1098",
--   "TA0006/T1528",
-- ]
-- needs = "Metadata"
-- resources = ["serviceaccounts"]
-- describe = "A token of a service account was made by someone who is neither a kubelet nor the control plane. Louder where a service account did it, for a system account, for many accounts or for long: see the detections beside this one."
-- benign = [
--   "kubectl create token by developers, for a service account of their own",
--   "Vault, External Secrets and CI systems that make tokens for themselves: name them as operators",
-- ]
-- triage = [
--   "What may the service account do?",
--   "Where was the token used? See minted_token_used",
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
where sensitivity = 'token' and verb = 'create' and outcome in ('allowed', 'unknown')
  and coalesce(username, '') not like 'system:node:%'
  and not in_identities('cluster_controllers', username)
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip, namespace, name
