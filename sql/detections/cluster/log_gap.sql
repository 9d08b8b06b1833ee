-- title = "The audit log of a cluster stands still for minutes"
-- status = "test"
-- severity = "low"
-- attack = ["TA0005/T1562.008"]
-- needs = "Metadata"
-- describe = "Between two busy stretches no request was logged for more than ten minutes, though nodes alone renew their leases every few seconds: the log was switched off, lost, rotated away or not collected."
-- benign = [
--   "Files that were not ingested",
--   "A cluster that was stopped",
-- ]
-- blind = [
--   "a gap of less than ten minutes, at the ends of the log, or of one API server among several",
--   "a cluster too quiet to tell",
-- ]
-- triage = [
--   "Are all files of that time there?",
--   "Who changed what before it? See audit_policy_changed",
-- ]
-- references = ["https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/"]
-- params = { events_min = 300 }

with minutes as (
  select
    cluster, date_trunc('minute', ts) as minute, count(*) as events, min(ts) as first_ts, max(ts) as last_ts,
    min(audit_id) as audit_id
  from activity
  group by cluster, date_trunc('minute', ts)
),
stretches as (
  select
    *,
    sum(events) over (
      partition by cluster order by minute range between interval '15 minutes' preceding and current row
    ) as before,
    sum(events) over (
      partition by cluster order by minute range between current row and interval '15 minutes' following
    ) as after
  from minutes
),
steps as (
  select
    *,
    lag(last_ts) over (partition by cluster order by minute) as previous_ts,
    lag(before) over (partition by cluster order by minute) as previous_before
  from stretches
)
select
  audit_id,
  previous_ts as first_seen,
  first_ts as last_seen,
  arrow_cast(null, 'Utf8') as actor,
  'no events for ' || (date_part('epoch', first_ts - previous_ts) / 60)::bigint || ' minutes' as object,
  1 as events,
  cluster
from steps
where first_ts - previous_ts > interval '10 minutes'
  and previous_before >= $events_min and after >= $events_min
