-- describe = "What an identity was seen with on the days under examination, beside the days before them that are known: one row a day and value of a feature (see baseline). previous_seen: when the identity was last seen with it on a day before; NULL: never. days_before, actor_days_before: days before with this value, and with any of the feature. value_first_seen: since when anyone was seen with it; actor_first_seen: since when the identity was seen at all. log_days: how many days before the cluster's log begins. surprise: in bits, 0 for what is seen every day."
-- reads = ["baseline", "period"]
-- materialise = true

select
  t.*,
  -- how unlikely the value was by the days before; what was never seen counts as half a day
  round(-log2((days_before + 0.5) / (actor_days_before + 1)), 2) as surprise
from (
  select
    b.*,
    lag(b.last_seen) over own as previous_seen,
    cast(row_number() over own as bigint) - 1 as days_before,
    min(b.first_seen) over (partition by b.cluster, b.feature, b.value) as value_first_seen,
    min(b.first_seen) over (partition by b.cluster, b.actor) as actor_first_seen,
    d.actor_days_before,
    cast(cast(b.date as date) - cast(l.first_date as date) as bigint) as log_days
  from baseline b
  join (
    select
      cluster, actor, feature, date,
      cast(row_number() over (partition by cluster, actor, feature order by date) as bigint) - 1 as actor_days_before
    from (select distinct cluster, actor, feature, date from baseline)
  ) d on d.cluster = b.cluster and d.actor = b.actor and d.feature = b.feature and d.date = b.date
  join (select cluster, min(date) as first_date from baseline group by cluster) l on l.cluster = b.cluster
  window own as (partition by b.cluster, b.actor, b.feature, b.value order by b.date)
) t
cross join period p
where (p.since is null or t.first_seen >= p.since) and (p.until is null or t.first_seen < p.until)
