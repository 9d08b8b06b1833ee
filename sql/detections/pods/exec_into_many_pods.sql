-- title = "Possible sweep through pods by exec"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0008/T1021",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "One identity entered pods of many different workloads within ten minutes, by exec, attach, port-forward or an ephemeral container."
-- benign = ["A script that runs a command in everything"]
-- blind = [
--   "the same sweep spread over hours or several identities",
--   "all replicas of one workload, which hold the same secrets",
-- ]
-- triage = [
--   "What was run, and is it the same in every pod?",
--   "Which secrets do these pods mount?",
-- ]
-- params = { workloads = 5 }

with counted as (
  select
    *,
    count(distinct workload) over (
      partition by cluster, username order by ts
      range between interval '10 minutes' preceding and current row
    ) as workloads_entered
  from (
    select
      *,
      coalesce(pod, name, '?') as target,
      -- web-6c9f7d8b5-x2x1z, agent-x2x1z and db-0 without what tells replicas apart
      regexp_replace(coalesce(pod, name, '?'), '((-[a-z0-9]{5,10})?-[a-z0-9]{5}|-[0-9]+)$', '') as workload
    from pod_access
    where kind in (
        'exec', 'attach', 'portforward', 'ephemeralcontainers', 'node_exec', 'node_run', 'node_attach',
        'node_portforward'
      )
      and outcome <> 'denied'
      and not (in_identities('operators', username) and in_identities('operators', actor))
  )
),
sweeps as (
  select
    *,
    -- an entry belongs to a sweep if one of the windows that it falls into has enough workloads
    max(workloads_entered) over (
      partition by cluster, username order by ts
      range between current row and interval '10 minutes' following
    ) as most_workloads
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
  max(most_workloads) as workloads_in_10_minutes,
  array_to_string(array_sort(array_agg(distinct target)), ' ') as pods,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent
from sweeps
where most_workloads >= $workloads
group by cluster, username
