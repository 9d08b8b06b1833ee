-- What there was in each hour of the log: of anybody, and of the subject.
select
  e.cluster, e.hour, e.events,
  coalesce(o.own, 0) as own, coalesce(o.denied, 0) as denied, coalesce(o.secrets, 0) as secrets
from (
  select cluster, cast(date_trunc('hour', ts) as bigint) as hour, count(*) as events
  from activity
  where $all_clusters or cluster = $cluster
  group by cluster, cast(date_trunc('hour', ts) as bigint)
) e
left join (
  select
    cluster, cast(date_trunc('hour', ts) as bigint) as hour,
    count(*) as own,
    count(*) filter (where outcome = 'denied') as denied,
    count(*) filter (where resource = 'secrets') as secrets
  from activity
  where $subject
  group by cluster, cast(date_trunc('hour', ts) as bigint)
) o on o.cluster = e.cluster and o.hour = e.hour
order by cluster, hour
