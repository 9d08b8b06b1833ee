-- title = "Service account token used from outside the cluster"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1528",
--   "TA0001/T1078.004",
-- ]
-- needs = "Metadata"
-- describe = "A service account acted from a public address that no node of the cluster uses: its token was taken out of the cluster."
-- benign = ["A pipeline outside that uses a service account's token: name its network as trusted"]
-- blind = ["a cluster whose pods and thieves come through one load balancer address"]
-- triage = [
--   "What did the token read from there?",
--   "Delete the pod or the token's secret, then rotate what was read",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]
-- params = { pods = 3 }

with egress as (
  -- addresses that nodes, or the tokens of several pods, come from: a load balancer or the cluster's own way out
  select cluster, client_ip
  from addresses
  group by cluster, client_ip
  having count(*) filter (where actor_kind in ('node', 'control_plane')) > 0 or count(distinct pod_name) >= $pods
),
outside as (
  select *
  from addresses
  where actor_kind = 'service_account'
    and (ip_class(client_ip) = 'public' or (ip_class(client_ip) = 'trusted' and is_public_ip(client_ip)))
)
select
  first_value(o.audit_id order by o.first_seen) as audit_id, min(o.first_seen) as first_seen, max(o.last_seen) as last_seen,
  o.actor, o.client_ip as object, cast(sum(o.events) as bigint) as events, o.cluster,
  first_value(o.audit_ids order by o.first_seen) as audit_ids,
  o.client_ip, o.credential_id, min(o.pod_name) as pod, min(o.user_agent) as user_agent
from outside o
left join egress e on e.cluster = o.cluster and e.client_ip = o.client_ip
where e.client_ip is null and ip_class(o.client_ip) <> 'trusted'
  and not in_identities('operators', o.actor)
group by o.cluster, o.actor, o.client_ip, o.credential_id
