-- describe = "When each Secret that the log names was there: one row a life. alive_from, alive_until: NULL where the log does not tell, so that it is taken for older or younger than the log. certain: somebody was answered with it, or wrote it; else something only refers to it."
-- reads = ["secret_sightings"]
-- materialise = true

with told as (
  select
    cluster, namespace, name, ts, line, state, type, array_to_string(array_sort(keys), ',') as keys,
    state in ('deleted', 'absent') as is_end
  from secret_sightings
  where state <> 'named'
),
ends as (select distinct cluster, namespace, name from told where is_end),
-- nearly every Secret has one life, so that few have to be brought into order
ordered as (
  select
    t.*,
    coalesce(sum(case when is_end then 1 else 0 end) over (
      partition by t.cluster, t.namespace, t.name order by ts, line rows between unbounded preceding and 1 preceding
    ), 0) as life
  from told t
  left semi join ends e on e.cluster = t.cluster and e.namespace = t.namespace and e.name = t.name
),
lives as (
  select
    cluster, namespace, name, life,
    min(ts) filter (where state = 'created') as created,
    min(ts) as begun,
    max(ts) filter (where is_end) as ended,
    min(ts) filter (where state <> 'absent') as first_seen,
    max(ts) filter (where state <> 'absent') as last_seen,
    max(type) as type,
    max(keys) as keys
  from ordered
  group by cluster, namespace, name, life
  union all
  select
    t.cluster, t.namespace, t.name, 0 as life,
    min(ts) filter (where state = 'created') as created,
    min(ts) as begun,
    null as ended,
    min(ts) as first_seen,
    max(ts) as last_seen,
    max(type) as type,
    max(keys) as keys
  from told t
  left anti join ends e on e.cluster = t.cluster and e.namespace = t.namespace and e.name = t.name
  group by t.cluster, t.namespace, t.name
),
spans as (
  select
    *,
    lag(ended) over (partition by cluster, namespace, name order by life) as ended_before
  from lives
)
select
  cluster, namespace, name, type, keys, first_seen, last_seen, true as certain,
  case when created = begun then created else ended_before end as alive_from,
  ended as alive_until
from spans
-- a name that nobody ever had, or that was asked for again when it was gone
where first_seen is not null
union all
select
  n.cluster, n.namespace, n.name, n.type, null as keys, n.first_seen, n.last_seen, false as certain,
  null as alive_from, null as alive_until
from (
  select cluster, namespace, name, max(type) as type, min(ts) as first_seen, max(ts) as last_seen
  from secret_sightings
  where state = 'named'
  group by cluster, namespace, name
) n
left anti join told t on t.cluster = n.cluster and t.namespace = n.namespace and t.name = n.name
