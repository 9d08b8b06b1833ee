-- Which workloads use which Secret.
select cluster, namespace, name, workload, max(service_account) as service_account, cast(max(last_seen) as bigint) as last_seen
from secret_uses
where $all_clusters or cluster = $cluster
group by cluster, namespace, name, workload
order by cluster, namespace, name, workload
