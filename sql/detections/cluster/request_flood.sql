-- title = "One identity makes most of the log"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0040/T1499",
--   "TA0005/T1562.006",
-- ]
-- needs = "Metadata"
-- describe = "For five minutes, at whatever time they begin, one identity made more requests than all others together: an overload of the API server, or noise in which another request is to drown, since logs drop and rotate what comes too fast."
-- benign = [
--   "An operator that starts or lists too often",
--   "A load test",
-- ]
-- blind = [
--   "many identities together",
--   "a controller's or a node's identity",
-- ]
-- triage = [
--   "What does it ask for? See activity",
--   "What else was requested in these minutes?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/cluster-administration/flow-control/"]
-- params = { events_min = 3000 }

with stages as (
  select
    cluster, actor, date_trunc('minute', ts) as minute, stage, count(*) as events, min(audit_id) as audit_id,
    min(ts) as first_ts, max(ts) as last_ts, min(username) as username
  from activity
  group by cluster, actor, date_trunc('minute', ts), stage
),
minutes as (
  -- each request counts once, in the stage that most of them have
  select
    cluster, actor, minute, max(events) as events, min(audit_id) as audit_id, min(first_ts) as first_ts,
    max(last_ts) as last_ts, min(username) as username
  from stages
  group by cluster, actor, minute
),
totals as (
  select cluster, minute, sum(events) as events
  from minutes
  group by cluster, minute
),
shares as (
  select
    m.*,
    sum(m.events) over (
      partition by m.cluster, m.actor order by m.minute range between current row and interval '4 minutes' following
    ) as own,
    t.sliding as total
  from minutes m
  join (
    select
      cluster, minute,
      sum(events) over (
        partition by cluster order by minute range between current row and interval '4 minutes' following
      ) as sliding
    from totals
  ) t on t.cluster = m.cluster and t.minute = m.minute
)
select
  first_value(audit_id order by first_ts, audit_id) as audit_id,
  min(first_ts) as first_seen,
  max(last_ts) as last_seen,
  actor,
  max(own) || ' of ' || first_value(total order by own desc) || ' requests in 5 minutes' as object,
  max(own)::bigint as events,
  cluster
from shares
where own >= $events_min and own * 2 > total
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date_trunc('day', minute), actor
