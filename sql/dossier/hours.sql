-- What there was in each hour of the log: of anybody, and of the subject. Hours are reckoned in numbers: to cut times
-- costs ten times as much.
select
  e.cluster, e.hour * 3600000000 as hour, e.events,
  coalesce(o.own, 0) as own, coalesce(o.denied, 0) as denied, coalesce(o.secrets, 0) as secrets
from (
  select cluster, cast(ts as bigint) / 3600000000 as hour, count(*) as events
  from activity
  where $all_clusters or cluster = $cluster
  group by cluster, cast(ts as bigint) / 3600000000
) e
left join (
  select
    cluster, cast(ts as bigint) / 3600000000 as hour,
    count(*) as own,
    count(*) filter (where outcome = 'denied') as denied,
    count(*) filter (where resource = 'secrets') as secrets
  from activity
  where $subject
  group by cluster, cast(ts as bigint) / 3600000000
) o on o.cluster = e.cluster and o.hour = e.hour
order by cluster, hour
