-- title = "Possible theft of a service account's token by mounting it"
-- status = "experimental"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0004/T1078",
-- ]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "A pod or workload uses the token secret of a service account that is not its own, so that no request for the secret or the token is seen."
-- benign = ["A token of another system whose secret is named like an account"]
-- blind = ["token secrets of other names: see workload_mounts_foreign_secret"]
-- triage = [
--   "What may the account do?",
--   "Was there an exec into the pod? See pod_exec",
-- ]

with accounts as (
  select cluster, namespace, service_account as account
  from pod_specs
  where service_account is not null
  union
  select cluster, service_account_namespace as namespace, service_account_name as account
  from addresses
  where actor_kind = 'service_account'
  union
  select cluster, namespace, name as account
  from sensitive
  where resource = 'serviceaccounts' and name is not null
),
uses as (
  select
    *,
    -- the name that Kubernetes gave such secrets
    regexp_like(split_part(secret, '/', 2), '-token-[a-z0-9]{5}$') as generated,
    regexp_replace(split_part(secret, '/', 2), '-token(-[a-z0-9]{5})?$', '') as token_account
  from pod_secrets
  where (via is distinct from 'image_pull') and regexp_like(split_part(secret, '/', 2), '-token(-[a-z0-9]{5})?$')
    and outcome in ('allowed', 'unknown')
)
select
  first_value(u.audit_id order by u.ts, u.audit_id) as audit_id,
  min(u.ts) as first_seen,
  max(u.ts) as last_seen,
  u.actor,
  u.workload || ' uses ' || u.secret as object,
  count(distinct u.audit_id) as events,
  u.cluster,
  array_agg(distinct u.audit_id) as audit_ids,
  min(u.service_account) as service_account,
  array_to_string(array_sort(array_agg(distinct u.via)), ',') as via,
  u.client_ip,
  min(u.user_agent) as user_agent
from uses u
left join accounts a on a.cluster = u.cluster and a.namespace = u.namespace and a.account = u.token_account
where (u.generated or a.account is not null)
  and u.token_account <> coalesce(u.service_account, 'default')
  and starts_with(u.username, 'system:node:') is not true
  and not in_identities('cluster_controllers', u.username)
  and not (in_identities('operators', u.username) and in_identities('operators', u.actor))
group by u.cluster, u.date, u.actor, u.client_ip, u.workload, u.secret
