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
  select cluster, actor, date_trunc('minute', ts) as minute, stage, count(*) as events
  from activity
  group by cluster, actor, date_trunc('minute', ts), stage
),
minutes as (
  -- each request counts once, in the stage that most of them have
  select cluster, actor, minute, max(events) as events
  from stages
  group by cluster, actor, minute
),
sliding as (
  select
    cluster, actor, minute,
    sum(events) over (
      partition by cluster, actor order by minute range between current row and interval '4 minutes' following
    ) as own
  from minutes
),
totals as (
  select
    cluster, minute,
    sum(events) over (
      partition by cluster order by minute range between current row and interval '4 minutes' following
    ) as total
  from (
    select cluster, minute, max(events) as events
    from (
      select cluster, date_trunc('minute', ts) as minute, stage, count(*) as events
      from activity
      group by cluster, date_trunc('minute', ts), stage
    )
    group by cluster, minute
  )
),
floods as (
  select s.cluster, s.actor, s.minute, s.own, t.total
  from sliding s
  join totals t on t.cluster = s.cluster and t.minute = s.minute
  where s.own >= $events_min and s.own * 2 > t.total
)
select
  first_value(a.audit_id order by a.ts, a.audit_id) as audit_id,
  min(a.ts) as first_seen,
  max(a.ts) as last_seen,
  a.actor,
  max(f.own) || ' of ' || first_value(f.total order by f.own desc) || ' requests in 5 minutes' as object,
  max(f.own)::bigint as events,
  a.cluster,
  min(a.client_ip) as client_ip,
  min(a.user_agent) as user_agent
from floods f
join activity a on a.cluster = f.cluster and a.actor = f.actor and date_trunc('minute', a.ts) = f.minute
where starts_with(a.username, 'system:node:') is not true
  and not in_identities('cluster_controllers', a.username)
group by a.cluster, a.date, a.actor
