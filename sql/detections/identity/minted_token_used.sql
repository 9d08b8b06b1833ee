-- title = "Minted token used to gain access"
-- status = "test"
-- severity = "high"
-- attack = ["TA0003/T1098", "TA0008/T1550.001"]
-- needs = "Metadata"
-- resources = ["serviceaccounts"]
-- describe = "A token was minted and then used, and more than a developer's test speaks of it: a service account minted it, it is of a system account, it ran commands, read all secrets or took further credentials, it changed rights, or it was used from a public address where its maker never was. What it did is what the one who minted it did."
-- benign = [
--   "Tools that mint tokens for their own use: name them as operators",
--   "A token that a developer gave to a pipeline outside: name its network as trusted",
-- ]
-- blind = [
--   "impersonation: another credential under the account's name is not the token",
--   "null_columns.annotations: the id of a token stands there",
--   "null_columns.sourceIPs: where it was used is one of the reasons",
--   "clusters before Kubernetes 1.30, whose tokens bear no id",
--   "who may do everything and hands out a token that then works quietly",
-- ]
-- triage = ["What did the token read?", "Delete the service account to end the token"]

with minted as (
  select
    cluster,
    issued_credential_id,
    username as minted_by,
    min(ts) as minted_at,
    first_value(audit_id order by ts, audit_id) as minting_audit_id,
    min(client_ip) as minted_from,
    bool_or(starts_with(username, 'system:serviceaccount:')) as by_service_account,
    -- under another name, without a name, or for an account of the system
    bool_or(
      coalesce(
        impersonated_username is not null
        or actor_kind in ('anonymous', 'unauthenticated')
        or namespace in ('kube-system', 'kube-public', 'kube-node-lease'),
        false
      )
    ) as odd,
    -- who may do everything gains nothing by it
    bool_or(coalesce(array_has(groups, 'system:masters'), false) or in_identities('admin_users', username)) as by_master
  from sensitive
  where sensitivity = 'token' and issued_credential_id is not null
    and starts_with(username, 'system:node:') is not true
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
    -- programs renew their own token
    and (
      impersonated_username is not null
      or (username is distinct from 'system:serviceaccount:' || coalesce(namespace, '') || ':' || coalesce(name, ''))
    )
  group by cluster, issued_credential_id, username
),
-- what nobody needs a token of his application for
grave as (
  select distinct cluster, credential_id
  from sensitive
  where credential_id is not null and outcome in ('allowed', 'unknown')
    and (
      sensitivity in ('exec', 'node_proxy', 'token', 'certificate')
      or (sensitivity = 'secret' and scope = 'cluster')
      or impersonated_username is not null
    )
),
rights as (
  select distinct cluster, credential_id
  from sensitive
  where credential_id is not null and outcome in ('allowed', 'unknown') and sensitivity in ('rbac', 'admission')
),
minters as (
  select distinct cluster, actor, client_ip from addresses where not impersonated
)
select
  first_value(m.minting_audit_id order by m.minted_at, m.minting_audit_id) as audit_id,
  min(m.minted_at) as first_seen,
  max(t.ts) as last_seen,
  m.minted_by as actor,
  t.actor as object,
  count(distinct t.audit_id) as events,
  m.cluster,
  array_agg(distinct t.audit_id) as audit_ids,
  m.issued_credential_id as credential_id,
  array_to_string(array_sort(array_agg(distinct t.client_ip)), ' ') as used_from,
  min(m.minted_from) as minted_from,
  concat_ws(
    ', ',
    case when bool_or(m.by_service_account) then 'minted by a service account' end,
    case when bool_or(m.odd) then 'minted under another name or for a system account' end,
    case when bool_or(g.credential_id is not null) then 'ran commands, read all secrets or took credentials' end,
    case when bool_or(r.credential_id is not null) then 'changed rights or admission' end,
    case
      when bool_or(ip_class(t.client_ip) = 'public' and k.client_ip is null) then 'used where its maker never was'
    end
  ) as why,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', t.verb, coalesce(t.resource, '-')))), ', ') as requests
from minted m
join activity t on t.cluster = m.cluster and t.credential_id = m.issued_credential_id
left join grave g on g.cluster = m.cluster and g.credential_id = m.issued_credential_id
left join rights r on r.cluster = m.cluster and r.credential_id = m.issued_credential_id
left join minters k on k.cluster = m.cluster and k.actor = m.minted_by and k.client_ip = t.client_ip
group by m.cluster, m.minted_by, t.actor, m.issued_credential_id
having bool_or(m.by_service_account or m.odd or g.credential_id is not null)
  or (
    not bool_or(m.by_master)
    and bool_or(r.credential_id is not null or (ip_class(t.client_ip) = 'public' and k.client_ip is null))
  )
