-- title = "Possible sweep through pods by exec"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0008/T1021",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "One identity opened exec, attach or port-forward on many different pods within ten minutes."
-- benign = ["A script that runs a command in each replica of a deployment"]
-- blind = ["the same sweep spread over hours or several identities"]
-- triage = [
--   "What was run, and is it the same in every pod?",
--   "Which secrets do these pods mount?",
-- ]
-- params = { pods = 8 }

with counted as (
  select
    *,
    count(distinct target) over (
      partition by cluster, username order by ts
      range between interval '10 minutes' preceding and current row
    ) as pods_entered
  from (
    select *, coalesce(pod, name, '?') as target
    from pod_access
    where kind in ('exec', 'attach', 'portforward', 'ephemeralcontainers', 'node_exec', 'node_run', 'node_attach', 'node_portforward')
      and outcome <> 'denied'
      and not (in_identities('operators', username) and in_identities('operators', actor))
  )
),
sweeps as (
  select
    *,
    -- an entry belongs to a sweep if one of the windows that it falls into has enough pods
    max(pods_entered) over (
      partition by cluster, username order by ts
      range between current row and interval '10 minutes' following
    ) as most_pods
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  count(distinct target) || ' pods' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  max(most_pods) as pods_in_10_minutes,
  array_to_string(array_sort(array_agg(distinct target)), ' ') as pods,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent
from sweeps
where most_pods >= $pods
group by cluster, username
