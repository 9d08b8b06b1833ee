-- What there was in each hour of the log: of anybody, and of the subject.
select
  cluster,
  cast(date_trunc('hour', ts) as bigint) as hour,
  count(*) as events,
  count(*) filter (where $subject) as own,
  count(*) filter (where $subject and outcome = 'denied') as denied,
  count(*) filter (where $subject and resource = 'secrets') as secrets
from activity
where $all_clusters or cluster = $cluster
group by cluster, date_trunc('hour', ts)
order by cluster, hour
