-- Nodes that came into the subject's hands: by a pod of its own that has the node's files, or by commands of the kubelet.
select distinct e.cluster, e.workload, e.node, e.danger, s.node is not null as is_known
from (select * from node_entries where $subject) e
left join (select distinct cluster, node from node_secrets) s on s.cluster = e.cluster and s.node = e.node
union
select cluster, coalesce(pod, name) as workload, name as node, 'kubelet' as danger, true as is_known
from pod_access
where kind in ('node_exec', 'node_run', 'node_attach') and outcome in ('allowed', 'unknown') and $subject
order by cluster, workload, node, danger
