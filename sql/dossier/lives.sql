-- What is known of each Secret.
select
  cluster, namespace, name,
  max(type) as type,
  max(keys) as keys,
  bool_or(certain) as certain,
  cast(min(first_seen) as bigint) as first_seen,
  cast(max(last_seen) as bigint) as last_seen,
  case when bool_or(alive_until is null) then null else cast(max(alive_until) as bigint) end as gone
from secret_lives
where $all_clusters or cluster = $cluster
group by cluster, namespace, name
order by cluster, namespace, name
