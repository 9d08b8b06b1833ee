-- title = "A token that never expires was made as a secret"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0003/T1098",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A secret of type service-account-token was created, into which the control plane puts a token of a service account that lives until someone deletes it. Below the level Request it is known by that: kube-controller-manager updates the new secret within seconds."
-- benign = ["Tools outside the cluster that cannot renew a token"]
-- blind = ["the type, where the bodies are not logged and the control plane's own requests are not either"]
-- triage = [
--   "Whose token is it, and who keeps it?",
--   "Would a TokenRequest do?",
-- ]
-- references = [
--   "https://kubernetes.io/docs/concepts/configuration/secret/#service-account-token-secrets",
-- ]

with made as (
  select
    *,
    coalesce(json_get_str(json_written(request_object), 'type'), json_get_str(response_object, 'type'), '')
      = 'kubernetes.io/service-account-token' as typed
  from secret_access
  where verb = 'create' and outcome in ('allowed', 'unknown')
    and not in_identities('cluster_controllers', username)
),
filled as (
  select cluster, secret, ts
  from secret_access
  where verb in ('update', 'patch') and actor = 'system:kube-controller-manager'
    and outcome in ('allowed', 'unknown')
)
select
  first_value(m.audit_id order by m.ts, m.audit_id) as audit_id,
  min(m.ts) as first_seen,
  max(m.ts) as last_seen,
  m.actor,
  m.secret as object,
  count(distinct m.event_hash) as events,
  m.cluster,
  array_agg(distinct m.audit_id) as audit_ids,
  m.client_ip,
  min(m.user_agent) as user_agent,
  m.username,
  bool_or(m.typed) as type_logged,
  min(f.ts) as filled_at
from made m
left join filled f
  on f.cluster = m.cluster and f.secret = m.secret and f.ts >= m.ts and f.ts <= m.ts + interval '2 minutes'
where m.typed or f.secret is not null
group by m.cluster, m.date, m.actor, m.username, m.client_ip, m.secret
