-- describe = "Which Secret came into whose hands: one row a request and Secret. how: read, patched (the answer holds it whole), listed, watched or deleted (by a collection, expanded to all that were there), mounted (by a pod that the actor wrote), entered (by exec and the like into a pod that has it) or node (by a pod of the actor on a node whose pods have it). secret_namespace, secret_name: the Secret. certain: the log names it; else it is only referred to. through: the pod, workload or selector."
-- reads = ["secret_requests", "secret_lives", "pod_secrets", "pod_entries", "node_entries", "node_secrets", "secret_uses"]

with reads as (
  select
    cluster, ts, stage_ts, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name, verb,
    outcome, namespace, name, answer, selector, list
  from secret_requests
  where outcome in ('allowed', 'unknown') and (reads or verb = 'patch')
),
collections as (
  select
    *, case verb when 'watch' then 'watched' when 'deletecollection' then 'deleted' else 'listed' end as how
  from reads
  -- what only names secrets gives nothing away: a table for people, or metadata alone
  where name is null and (answer is null or answer not in ('Table', 'PartialObjectMetadataList', 'Status'))
),
node_holds as (
  select cluster, node, namespace, name
  from node_secrets
  union
  -- the pods of daemon sets run on every node, also on one that nothing names
  select n.cluster, n.node, u.namespace, u.name
  from (select distinct cluster, node from node_entries) n
  join secret_uses u on u.cluster = n.cluster
  where starts_with(u.workload, 'daemonsets ')
)
select
  cluster, ts, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name, verb, outcome,
  namespace as secret_namespace, name as secret_name,
  case verb when 'patch' then 'patched' else 'read' end as how,
  true as certain,
  arrow_cast(null, 'Utf8') as through
from reads
where namespace is not null and name is not null
  and (answer is null or answer not in ('Table', 'PartialObjectMetadata', 'PartialObjectMetadataList', 'Status'))
union all
select
  cluster, ts, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name, verb, outcome,
  coalesce(json_get_str(item, 'metadata', 'namespace'), namespace) as secret_namespace,
  json_get_str(item, 'metadata', 'name') as secret_name,
  how, true as certain, selector as through
from (
  select *, unnest(json_texts(list, 'items')) as item
  from collections
  where list is not null
)
where json_get_str(item, 'metadata', 'name') is not null
union all
select
  c.cluster, c.ts, c.audit_id, c.actor, c.actor_kind, c.username, c.client_ip, c.user_agent, c.credential_id,
  c.pod_name, c.verb, c.outcome, l.namespace as secret_namespace, l.name as secret_name, c.how, l.certain,
  c.selector as through
from (select * from collections where namespace is not null and (answer is distinct from 'SecretList')) c
join secret_lives l on l.cluster = c.cluster and l.namespace = c.namespace
where (l.alive_from is null or l.alive_from <= greatest(c.ts, case when c.how = 'watched' then c.stage_ts end))
  and (l.alive_until is null or l.alive_until >= c.ts)
union all
select
  c.cluster, c.ts, c.audit_id, c.actor, c.actor_kind, c.username, c.client_ip, c.user_agent, c.credential_id,
  c.pod_name, c.verb, c.outcome, l.namespace as secret_namespace, l.name as secret_name, c.how, l.certain,
  c.selector as through
from (select * from collections where namespace is null and (answer is distinct from 'SecretList')) c
join secret_lives l on l.cluster = c.cluster
where (l.alive_from is null or l.alive_from <= greatest(c.ts, case when c.how = 'watched' then c.stage_ts end))
  and (l.alive_until is null or l.alive_until >= c.ts)
union all
select
  cluster, ts, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name, verb, outcome,
  namespace as secret_namespace, split_part(secret, '/', 2) as secret_name, 'mounted' as how, false as certain,
  workload as through
from pod_secrets
-- an image's secret is the kubelet's and comes into no pod
where outcome in ('allowed', 'unknown') and namespace is not null and via <> 'image_pull'
union all
select
  cluster, ts, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name, verb, outcome,
  split_part(secret, '/', 1) as secret_namespace, split_part(secret, '/', 2) as secret_name, 'entered' as how,
  false as certain, pod as through
from pod_entries
where outcome in ('allowed', 'unknown') and secret is not null and via <> 'image_pull'
  and kind in ('exec', 'attach', 'ephemeralcontainers', 'node_exec', 'node_run', 'node_attach')
union all
select
  e.cluster, e.ts, e.audit_id, e.actor, e.actor_kind, e.username, e.client_ip, e.user_agent, e.credential_id,
  e.pod_name, e.verb, e.outcome, s.namespace as secret_namespace, s.name as secret_name, 'node' as how,
  false as certain, coalesce(e.node, e.workload) as through
from node_entries e
join node_holds s on s.cluster = e.cluster and s.node is not distinct from e.node
left semi join secret_lives l
  on l.cluster = s.cluster and l.namespace = s.namespace and l.name = s.name
    and (l.alive_until is null or l.alive_until >= e.ts)
