-- title = "Possible shutdown: several workloads scaled to nothing"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0040/T1489"]
-- needs = "Request"
-- resources = [
--   "deployments",
--   "statefulsets",
-- ]
-- describe = "One identity set the replicas of several workloads to zero within ten minutes."
-- benign = ["Environments that are switched off at night"]
-- blind = [
--   "the scale subresource at level Metadata",
--   "a single workload, and a DaemonSet: see security_agent_disabled",
-- ]
-- triage = [
--   "What do the workloads do?",
--   "Were they scaled back?",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1489/"]
-- params = { workloads_min = 5 }

with scalings as (
  select
    cluster, date, ts, audit_id, actor, username, impersonated_username, client_ip, user_agent, outcome,
    resource || ' ' || coalesce(namespace, '*') || '/' || coalesce(name, '?') as workload
  from requests
  where resource in ('deployments', 'statefulsets', 'replicasets', 'replicationcontrollers') and subresource = 'scale'
    and verb in ('update', 'patch', 'create')
    and json_get_int(json_written(request_object), 'spec', 'replicas') = 0
  union all
  select
    cluster, date, ts, audit_id, actor, username, impersonated_username, client_ip, user_agent, outcome,
    resource || ' ' || coalesce(namespace, '*') || '/' || coalesce(name, '?') as workload
  from sensitive
  where resource in ('deployments', 'statefulsets', 'replicationcontrollers') and sensitivity = 'workload'
    and verb in ('update', 'patch')
    and json_get_int(json_written(request_object), 'spec', 'replicas') = 0
),
windows as (
  select
    *,
    count(*) over (
      partition by cluster, actor order by ts range between current row and interval '10 minutes' following
    ) as following
  from scalings
  where outcome in ('allowed', 'unknown')
    -- autoscalers that scale to zero
    and (
      impersonated_username is null
      and username in (
        'system:serviceaccount:keda:keda-operator', 'system:serviceaccount:knative-serving:autoscaler',
        'system:serviceaccount:knative-serving:controller', 'system:serviceaccount:openshift-keda:keda-operator'
      )
    ) is not true
    and not in_identities('cluster_controllers', username)
    and not (in_identities('operators', username) and in_identities('operators', actor))
),
bursts as (
  -- the whole of the ten minutes
  select
    *,
    max(following) over (
      partition by cluster, actor order by ts range between interval '10 minutes' preceding and current row
    ) as burst
  from windows
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  count(distinct workload) || ' workloads' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct workload)), ', ') as workloads,
  min(client_ip) as client_ip,
  min(user_agent) as user_agent
from bursts
where burst >= $workloads_min
group by cluster, date, actor
having count(distinct workload) >= $workloads_min
