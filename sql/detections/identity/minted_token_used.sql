-- title = "Minted token in use"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0003/T1098",
--   "TA0008/T1550.001",
-- ]
-- needs = "Metadata"
-- resources = ["serviceaccounts"]
-- describe = "A token that a person or a foreign program minted was then used: what it did is what the one who minted it did."
-- benign = ["Tools that mint tokens for their own use: name them as operators"]
-- blind = ["clusters before Kubernetes 1.30, whose tokens bear no id"]
-- triage = [
--   "What did the token read?",
--   "Delete the service account to end the token",
-- ]

with minted as (
  select
    cluster,
    issued_credential_id,
    username as minted_by,
    min(ts) as minted_at,
    first_value(audit_id order by ts, audit_id) as minting_audit_id,
    min(client_ip) as minted_from
  from sensitive
  where sensitivity = 'token' and issued_credential_id is not null
    and coalesce(username, '') not like 'system:node:%'
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
  group by cluster, issued_credential_id, username
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
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', t.verb, coalesce(t.resource, '-')))), ', ') as requests
from minted m
join activity t on t.cluster = m.cluster and t.credential_id = m.issued_credential_id
group by m.cluster, m.minted_by, t.actor, m.issued_credential_id
