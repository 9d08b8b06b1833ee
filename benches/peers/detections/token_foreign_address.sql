with nodes as (
  select distinct cluster, node_name, client_ip from addresses where actor_kind = 'node' and not impersonated
),
used as (
  select
    a.cluster,
    a.actor,
    a.credential_id,
    a.pod_name,
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
  group by a.cluster, a.actor, a.credential_id, a.pod_name, a.pod_uid, a.client_ip
),
homes as (
  select
    cluster,
    pod,
    first(client_ip order by is_public_ip(client_ip), by_hand, first_used, client_ip) as home_ip
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
  arg_min(t.audit_id, t.ts) as audit_id,
  min(t.ts) as first_seen,
  max(t.ts) as last_seen,
  f.actor,
  f.pod_name || ' used from ' || f.client_ip as object,
  count(distinct t.audit_id) as events,
  f.cluster,
  list(distinct t.audit_id) as audit_ids,
  f.client_ip,
  f.home_ip,
  f.credential_id,
  f.node_name,
  f.user_agent,
  array_to_string(list_sort(list(distinct concat_ws(' ', t.verb, coalesce(t.resource, '-')))), ', ') as requests
from foreign_use f
join activity t on t.cluster = f.cluster and t.credential_id = f.credential_id and t.client_ip = f.client_ip
group by f.cluster, f.actor, f.pod_name, f.client_ip, f.home_ip, f.credential_id, f.node_name, f.user_agent
