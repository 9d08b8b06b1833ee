-- describe = "Pods and workloads that somebody wrote with a node's files or devices in hand: whoever did can read the Secrets of all pods there. One row a request. workload: resource namespace/name. node: where the pod runs, as the body, the scheduler or the name that kubectl debug gives tell; NULL where none does. danger: what opens the node."
-- reads = ["sensitive", "pod_dangers", "objects", "inventory"]

with pods as (
  select
    cluster, ts, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name, verb, outcome,
    namespace, split_part(workload, '/', 2) as name, workload,
    case when resource = 'pods' then json_get_str(spec, 'nodeName') end as node,
    kind || coalesce(' ' || value, '') as danger
  from pod_dangers
  where (resource <> 'pods' or verb = 'create') and outcome in ('allowed', 'unknown') and namespace is not null
    and (
      kind in ('privileged', 'hostProcess')
      or (kind = 'capability' and regexp_replace(upper(value), '^CAP_', '') in ('ALL', 'SYS_ADMIN', 'SYS_MODULE'))
      or (
        kind = 'hostPath'
        and regexp_like(
          regexp_replace(regexp_replace(value, '/(\.?/)+', '/', 'g'), '/\.?$', ''),
          '^(/(proc|var|var/lib|run|var/run|dev))?$|(^|/)\.\.(/|$)'
          || '|^/(var/lib/kubelet|(var/)?run/(docker|containerd|crio)[^/]*)(/|$)'
        )
      )
    )
  union all
  -- where no body was logged
  select
    cluster, ts, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name, verb, outcome,
    namespace, name, 'pods ' || namespace || '/' || name as workload, null as node, 'kubectl debug' as danger
  from sensitive
  where resource = 'pods' and subresource is null and verb = 'create' and outcome in ('allowed', 'unknown')
    and namespace is not null and starts_with(name, 'node-debugger-')
),
made as (
  select
    cluster, ts, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name, verb, outcome,
    namespace, name, workload,
    max(node) as node,
    array_to_string(array_sort(array_agg(distinct danger)), ', ') as danger
  from pods
  group by
    cluster, ts, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name, verb, outcome,
    namespace, name, workload
),
placed as (
  select cluster, namespace, name, max(node) as node
  from (
    select cluster, namespace, name, json_get_str(request_object, 'target', 'name') as node
    from objects
    where resource = 'pods' and namespace is not null and name is not null
    union all
    select cluster, namespace, name, node
    from inventory
    where resource = 'pods'
  )
  group by cluster, namespace, name
)
select
  m.* except (node),
  coalesce(
    m.node, p.node,
    case when m.name like 'node-debugger-%' then regexp_replace(m.name, '^node-debugger-(.*)-[^-]*$', '\1') end
  ) as node
from made m
left join placed p
  on p.cluster = m.cluster and p.namespace = m.namespace and p.name = m.name and m.workload like 'pods %'
