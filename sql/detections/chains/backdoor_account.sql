-- title = "Service account made as a back door"
-- status = "test"
-- severity = "high"
-- attack = ["TA0003/T1136", "TA0003/T1098.006", "TA0006/T1528"]
-- needs = "Request"
-- resources = ["rolebindings", "clusterrolebindings"]
-- describe = "One identity made a service account, gave it the run of the cluster, and took a token of it, within 24 hours: a way back in that needs no account of the attacker's own."
-- benign = ["An administrator who makes an account for a pipeline or a dashboard with far too many rights"]
-- blind = ["a token taken as a Secret rather than minted: see secret_changed_by_hand"]
-- triage = ["Is the token in use? See minted_token_used", "Delete the account: its tokens end with it"]
-- references = [
--   "https://attack.mitre.org/techniques/T1136/",
--   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
-- ]

with made as (
  select
    cluster, ts, audit_id, username, actor, client_ip,
    'system:serviceaccount:' || namespace || ':'
      || coalesce(name, json_get_str(response_object, 'metadata', 'name')) as account
  from sensitive
  where resource = 'serviceaccounts' and subresource is null and coalesce(verb, 'create') in ('create', '')
    and outcome in ('allowed', 'unknown')
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
),
bound as (
  select
    cluster, ts, audit_id, username, actor, role_name,
    case
      when subject_kind = 'ServiceAccount'
        then 'system:serviceaccount:' || coalesce(subject_namespace, namespace) || ':' || subject_name
      when subject_kind = 'User' then subject_name
    end as account
  from rbac_bindings
  where outcome in ('allowed', 'unknown')
    and (role_name = 'cluster-admin' or (role_name = 'admin' and resource = 'clusterrolebindings'))
),
minted as (
  select cluster, ts, audit_id, username, actor, 'system:serviceaccount:' || namespace || ':' || name as account
  from sensitive
  where sensitivity = 'token' and coalesce(verb, 'create') = 'create' and outcome in ('allowed', 'unknown')
)
select
  first_value(b.audit_id order by b.ts, b.audit_id) as audit_id,
  min(a.ts) as first_seen,
  max(m.ts) as last_seen,
  a.actor,
  a.account as object,
  count(distinct a.audit_id) + count(distinct b.audit_id) + count(distinct m.audit_id) as events,
  a.cluster,
  array_concat(
    array_agg(distinct a.audit_id), array_agg(distinct b.audit_id), array_agg(distinct m.audit_id)
  ) as audit_ids,
  array_to_string(array_sort(array_agg(distinct b.role_name)), ', ') as roles,
  min(a.client_ip) as client_ip
from made a
join bound b on b.cluster = a.cluster and b.account = a.account
join minted m on m.cluster = a.cluster and m.account = a.account
where (b.username in (a.username, a.actor) or b.actor in (a.username, a.actor))
  and (m.username in (a.username, a.actor) or m.actor in (a.username, a.actor))
  and b.ts >= a.ts and m.ts >= b.ts and m.ts - a.ts <= interval '24 hours'
group by a.cluster, a.actor, a.account
