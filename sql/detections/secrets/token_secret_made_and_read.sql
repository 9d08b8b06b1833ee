-- title = "Token that never expires made and taken"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0003/T1098",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "One identity created a secret of type service-account-token, had the control plane put a token into it, and read it within the hour: so anyone who may write and read secrets of a namespace becomes every service account of it, without a TokenRequest and for good."
-- benign = ["The set-up of a tool outside the cluster that cannot renew a token"]
-- blind = [
--   "the type, where the bodies are not logged and the control plane's own requests are not either",
--   "one identity that creates and another that reads: see token_secret_made",
-- ]
-- triage = [
--   "Whose token is it? The secret's annotation kubernetes.io/service-account.name says it",
--   "Delete the secret: that ends the token",
-- ]
-- references = [
--   "https://kubernetes.io/docs/concepts/configuration/secret/#service-account-token-secrets",
-- ]

with made as (
  select
    cluster, actor, namespace, name, secret, ts, audit_id, username, client_ip, user_agent,
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
),
tokens as (
  select distinct m.*
  from made m
  left join filled f
    on f.cluster = m.cluster and f.secret = m.secret and f.ts >= m.ts and f.ts <= m.ts + interval '2 minutes'
  where m.typed or f.secret is not null
)
select
  first_value(r.audit_id order by r.ts, r.audit_id) as audit_id,
  min(t.ts) as first_seen,
  max(r.ts) as last_seen,
  t.actor,
  t.secret as object,
  count(*) as events,
  t.cluster,
  array_concat(array_agg(distinct t.audit_id), array_agg(distinct r.audit_id)) as audit_ids,
  r.client_ip,
  min(r.user_agent) as user_agent,
  min(t.username) as username,
  min(t.client_ip) as made_from,
  array_to_string(array_sort(array_agg(distinct r.verb)), ',') as read_by
from tokens t
join secret_access r
  on r.cluster = t.cluster and (r.actor is not distinct from t.actor) and r.ts >= t.ts
    and r.ts <= t.ts + interval '1 hour'
where r.reads and r.outcome in ('allowed', 'unknown')
  -- by name, or with all others of the namespace
  and (r.secret = t.secret or (r.scope = 'namespace' and r.namespace = t.namespace) or r.scope = 'cluster')
group by t.cluster, t.actor, t.secret, r.client_ip
