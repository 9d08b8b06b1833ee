-- title = "Possible theft of a token that never expires"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0008/T1550.001",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A secret was read whose name is that of a service account's token as Kubernetes made one for every account until version 1.24: NAME-token-xxxxx. Such a token lives until somebody deletes it, and is good from anywhere."
-- benign = ["Someone who sets up a tool outside the cluster with an old account"]
-- blind = [
--   "tokens in secrets of another name: see token_secret_made",
--   "foreign_agent: a workload's token that reads in the workload's own namespace with a workload's agent",
-- ]
-- triage = [
--   "Which account is it, and what may that do?",
--   "Is the token used from a new address since?",
-- ]
-- references = [
--   "https://kubernetes.io/docs/concepts/configuration/secret/#service-account-token-secrets",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' tokens' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  username,
  array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 50), ' ') as secrets
from secret_access
where reads and scope = 'named' and outcome in ('allowed', 'unknown')
  -- five of the letters that Kubernetes makes up names from
  and regexp_like(coalesce(name, ''), '-(token|dockercfg)-[bcdfghjklmnpqrstvwxz2456789]{5}$')
  -- kubelets mount them, and so does their own workload
  and not (actor_kind in ('node', 'control_plane') and impersonated_username is null)
  and not (
    (service_account_namespace is not distinct from namespace) and agent_class(coalesce(user_agent, '')) = 'component'
    and impersonated_username is null
  )
  and not in_identities('cluster_controllers', username)
  and not in_identities('secret_readers', username)
group by cluster, date, actor, username, client_ip
