-- title = "Stolen kubelet identity: secrets read from another address than the node's"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0008/T1550",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A node's identity read secrets from an address from which it never renewed its lease or reported its state, while it did both from another. The audit log does not say whether a certificate was copied; the address does."
-- benign = ["A node with several addresses towards the API server"]
-- blind = [
--   "null_columns: without addresses nothing can be compared",
--   "a thief on the node itself or behind its address, or one who renews the lease as well",
--   "logs without the renewals of leases and without nodes/status",
-- ]
-- triage = [
--   "Whose address is it?",
--   "Rotate the node's certificate and all that it read",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/node/"]
-- params = { heartbeats = 5 }

with beats as (
  select cluster, actor, client_ip, count(*) as beats
  from activity
  where actor_kind = 'node' and resource in ('leases', 'nodes') and client_ip is not null
    and (verb is not null and verb in ('update', 'patch', 'create'))
    and outcome in ('allowed', 'unknown')
  group by cluster, actor, client_ip
),
known as (
  select cluster, actor, sum(beats) as beats, first_value(client_ip order by beats desc, client_ip) as node_ip
  from beats
  group by cluster, actor
)
select
  first_value(s.audit_id order by s.ts, s.audit_id) as audit_id,
  min(s.ts) as first_seen,
  max(s.ts) as last_seen,
  s.actor,
  case when count(distinct s.secret) = 1 then min(s.secret) else count(distinct s.secret) || ' secrets' end as object,
  count(*) as events,
  s.cluster,
  array_agg(s.audit_id order by s.ts, s.audit_id) as audit_ids,
  s.client_ip,
  min(k.node_ip) as node_ip,
  min(s.user_agent) as user_agent,
  s.username,
  array_to_string(array_sort(array_agg(distinct s.outcome)), ',') as outcomes,
  array_to_string(array_slice(array_sort(array_agg(distinct s.secret)), 1, 50), ' ') as secrets
from secret_access s
join known k on k.cluster = s.cluster and k.actor = s.actor
left join beats b on b.cluster = s.cluster and b.actor = s.actor and b.client_ip = s.client_ip
where s.actor_kind = 'node' and s.reads and s.outcome in ('allowed', 'unknown', 'denied')
  and s.client_ip is not null and b.client_ip is null and k.beats >= $heartbeats
group by s.cluster, s.date, s.actor, s.username, s.client_ip
