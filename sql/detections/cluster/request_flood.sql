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
  -- all that is told of a flood is kept for each minute: its requests are too many to be looked at again
  select
    cluster, actor, username, date_trunc('minute', ts) as minute, stage,
    count(*) as events, min(ts) as first_seen, max(ts) as last_seen, min(audit_id) as audit_id,
    min(client_ip) as client_ip, min(user_agent) as user_agent
  from activity
  group by cluster, actor, username, date_trunc('minute', ts), stage
),
minutes as (
  -- each request counts once, in the stage that most of them have
  select
    cluster, actor, username, minute, max(events) as events, min(first_seen) as first_seen, max(last_seen) as last_seen,
    min(audit_id) as audit_id, min(client_ip) as client_ip, min(user_agent) as user_agent
  from stages
  group by cluster, actor, username, minute
),
totals as (
  select
    cluster, minute,
    sum(events) over (
      partition by cluster order by minute range between current row and interval '4 minutes' following
    ) as total
  from (select cluster, minute, sum(events) as events from minutes group by cluster, minute)
),
sliding as (
  select
    *,
    sum(events) over (
      partition by cluster, actor, username order by minute
      range between current row and interval '4 minutes' following
    ) as own
  from minutes
)
select
  first_value(s.audit_id order by s.minute) as audit_id,
  min(s.first_seen) as first_seen,
  max(s.last_seen) as last_seen,
  s.actor,
  max(s.own) || ' of ' || first_value(t.total order by s.own desc) || ' requests in 5 minutes' as object,
  max(s.own)::bigint as events,
  s.cluster,
  min(s.client_ip) as client_ip,
  min(s.user_agent) as user_agent
from sliding s
join totals t on t.cluster = s.cluster and t.minute = s.minute
where s.own >= $events_min and s.own * 2 > t.total
  and starts_with(s.username, 'system:node:') is not true
  and not in_identities('cluster_controllers', s.username)
group by s.cluster, date_trunc('day', s.minute), s.actor
