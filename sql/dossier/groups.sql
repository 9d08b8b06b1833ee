-- The groups that each identity was in.
select distinct actor, "group"
from (
  select actor, unnest(case when impersonated_username is null then groups else impersonated_groups end) as "group"
  from activity
  where actor in ($holders) and ($all_clusters or cluster = $cluster)
)
where "group" is not null
order by actor, "group"
