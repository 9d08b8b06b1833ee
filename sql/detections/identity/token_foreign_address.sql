-- title = "Pod's token used by someone else"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1528",
--   "TA0008/T1550.001",
-- ]
-- needs = "Metadata"
-- describe = "A token bound to one pod came from an address that is neither the pod's usual one nor its node's: a copy of it is in use."
-- benign = [
--   "A pod with several network interfaces",
--   "A node whose kubelet speaks from another address than its pods' traffic: name the node networks",
-- ]
-- blind = [
--   "a thief who uses the token more often than the pod does",
--   "clusters before Kubernetes 1.30, whose tokens bear no id",
-- ]
-- triage = [
--   "Which pod or host has the foreign address?",
--   "How was the token read? See exec_reads_token",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

with nodes as (
  select distinct cluster, node_name, client_ip from addresses where actor_kind = 'node'
),
used as (
  select a.cluster, a.actor, a.credential_id, a.pod_name, a.node_name, a.client_ip,
    sum(a.events) as events, min(a.first_seen) as first_seen, max(a.last_seen) as last_seen,
    first_value(a.audit_id order by a.first_seen) as audit_id,
    first_value(a.audit_ids order by a.first_seen) as audit_ids, min(a.user_agent) as user_agent
  from addresses a
  left join nodes n on n.cluster = a.cluster and n.node_name = a.node_name and n.client_ip = a.client_ip
  where a.actor_kind = 'service_account' and a.credential_id like 'JTI=%' and a.pod_name is not null
    and a.client_ip is not null and n.client_ip is null
  group by a.cluster, a.actor, a.credential_id, a.pod_name, a.node_name, a.client_ip
),
homes as (
  -- the pod's own address, by all tokens that were ever bound to it
  select cluster, pod_name, first_value(client_ip order by events desc, client_ip) as home_ip, count(*) as addresses
  from (select cluster, pod_name, client_ip, sum(events) as events from used group by cluster, pod_name, client_ip)
  group by cluster, pod_name
)
select u.audit_id, u.first_seen, u.last_seen, u.actor, u.pod_name || ' used from ' || u.client_ip as object,
  cast(u.events as bigint) as events, u.cluster, u.audit_ids, u.client_ip, h.home_ip, u.credential_id, u.node_name, u.user_agent
from used u
join homes h on h.cluster = u.cluster and h.pod_name = u.pod_name
where u.client_ip <> h.home_ip and h.addresses > 1
  and not in_networks('node_networks', u.client_ip)
