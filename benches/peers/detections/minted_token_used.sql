with minted as (
  select
    cluster,
    issued_credential_id,
    username as minted_by,
    min(ts) as minted_at,
    arg_min(audit_id, ts) as minting_audit_id,
    min(client_ip) as minted_from
  from sensitive
  where sensitivity = 'token' and issued_credential_id is not null
    and coalesce(username, '') not like 'system:node:%'
    and not is_controller(username)
  group by cluster, issued_credential_id, username
)
select
  arg_min(m.minting_audit_id, m.minted_at) as audit_id,
  min(m.minted_at) as first_seen,
  max(t.ts) as last_seen,
  m.minted_by as actor,
  t.actor as object,
  count(distinct t.audit_id) as events,
  m.cluster,
  list(distinct t.audit_id) as audit_ids,
  m.issued_credential_id as credential_id,
  array_to_string(list_sort(list(distinct t.client_ip)), ' ') as used_from,
  min(m.minted_from) as minted_from,
  array_to_string(list_sort(list(distinct concat_ws(' ', t.verb, coalesce(t.resource, '-')))), ', ') as requests
from minted m
join activity t on t.cluster = m.cluster and t.credential_id = m.issued_credential_id
group by m.cluster, m.minted_by, t.actor, m.issued_credential_id
