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
--   "a thief on the pod's own node",
--   "a thief in another pod who used the token before the log begins, under the agent of a program",
--   "a pod that does not use its token while the thief does",
--   "clusters before Kubernetes 1.30, whose tokens bear no id",
--   "impersonation: another credential under the account's name is no copy of its token",
--   "null_columns.sourceIPs: it compares addresses",
-- ]
-- triage = [
--   "Which pod or host has the foreign address?",
--   "How was the token read? See exec_reads_token",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

with nodes as (
  select distinct cluster, node_name, client_ip from addresses where actor_kind = 'node' and not impersonated
),
used as (
  select
    a.cluster,
    a.actor,
    a.credential_id,
    a.pod_name,
    -- pods of a StatefulSet come back under their name, and names repeat in other namespaces
    coalesce(a.pod_uid, a.actor || '/' || a.pod_name) as pod,
    a.client_ip,
    sum(a.events) as events,
    min(a.first_seen) as first_used,
    min(a.node_name) as node_name,
    min(a.user_agent) as user_agent,
    bool_and(agent_class(coalesce(a.user_agent, '')) in ('cli', 'script')) as by_hand
  from addresses a
  left join nodes n on n.cluster = a.cluster and n.node_name = a.node_name and n.client_ip = a.client_ip
  where a.actor_kind = 'service_account' and not a.impersonated and starts_with(a.credential_id, 'JTI=')
    and a.pod_name is not null and a.client_ip is not null and n.client_ip is null
    and not in_networks('node_networks', a.client_ip)
  group by a.cluster, a.actor, a.credential_id, a.pod_name, a.pod_uid, a.client_ip
),
homes as (
  -- the pod's own address, by all tokens that were ever bound to it: private, where its own program speaks from, and
  -- used first, since a token is stolen only after it was given to the pod
  select
    cluster,
    pod,
    first_value(client_ip order by is_public_ip(client_ip), by_hand, first_used, client_ip) as home_ip
  from (
    select cluster, pod, client_ip, min(first_used) as first_used, bool_and(by_hand) as by_hand
    from used
    group by cluster, pod, client_ip
  )
  group by cluster, pod
),
foreign_use as (
  select u.*, h.home_ip
  from used u
  join homes h on h.cluster = u.cluster and h.pod = u.pod
  where u.client_ip <> h.home_ip
)
select
  first_value(t.audit_id order by t.ts, t.audit_id) as audit_id,
  min(t.ts) as first_seen,
  max(t.ts) as last_seen,
  f.actor,
  f.pod_name || ' used from ' || f.client_ip as object,
  count(distinct t.audit_id) as events,
  f.cluster,
  array_agg(distinct t.audit_id) as audit_ids,
  f.client_ip,
  f.home_ip,
  f.credential_id,
  f.node_name,
  f.user_agent,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', t.verb, coalesce(t.resource, '-')))), ', ') as requests
from foreign_use f
join activity t on t.cluster = f.cluster and t.credential_id = f.credential_id and t.client_ip = f.client_ip
group by f.cluster, f.actor, f.pod_name, f.client_ip, f.home_ip, f.credential_id, f.node_name, f.user_agent
