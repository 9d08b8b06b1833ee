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
  select cluster, issued_credential_id, actor as minted_by, namespace, name, min(ts) as minted_at,
    first_value(audit_id order by ts) as minting_audit_id, min(client_ip) as minted_from
  from sensitive
  where sensitivity = 'token' and issued_credential_id is not null
    and actor_kind not in ('node', 'control_plane')
    and not in_identities('cluster_controllers', actor)
    and not in_identities('operators', actor)
  group by cluster, issued_credential_id, actor, namespace, name
)
select
  min(m.minting_audit_id) as audit_id, min(m.minted_at) as first_seen, max(a.last_seen) as last_seen,
  m.minted_by as actor, a.actor as object, cast(sum(a.events) as bigint) as events, a.cluster,
  first_value(a.audit_ids order by a.first_seen) as audit_ids,
  m.issued_credential_id as credential_id, string_agg(distinct a.client_ip, ' ') as used_from, min(m.minted_from) as minted_from
from minted m
join addresses a on a.cluster = m.cluster and a.credential_id = m.issued_credential_id
group by a.cluster, m.minted_by, a.actor, m.issued_credential_id
