-- title = "The logs of many pods were read"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0009/T1213",
--   "TA0006/T1552.001",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "One identity read the logs of many different pods within ten minutes: logs hold tokens and personal data more often than they should."
-- benign = [
--   "Tools that follow all pods of a deployment",
--   "Dashboards and log collectors that read through the API server: name them as operators",
-- ]
-- blind = [
--   "slower reading",
--   "reading on the node or in the log store",
-- ]
-- triage = ["Were the pods the identity's own?"]
-- params = { pods = 30 }

with counted as (
  select
    *,
    count(distinct target) over (
      partition by cluster, username order by ts
      range between interval '10 minutes' preceding and current row
    ) as pods_read
  from (
    select *, coalesce(namespace, '*') || '/' || coalesce(name, '*') as target
    from activity
    where resource = 'pods' and subresource = 'log' and outcome in ('allowed', 'unknown')
      and not (in_identities('operators', username) and in_identities('operators', actor))
  )
),
sweeps as (
  select
    *,
    -- a reading belongs to a sweep if one of the windows that it falls into has enough pods
    max(pods_read) over (
      partition by cluster, username order by ts
      range between current row and interval '10 minutes' following
    ) as most_pods
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(username, '?') as actor,
  count(distinct target) || ' pods' as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  max(most_pods) as pods_in_10_minutes,
  array_to_string(array_sort(array_agg(distinct namespace)), ' ') as namespaces,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent
from sweeps
where most_pods >= $pods
group by cluster, username
