-- title = "Possible implant: a container was added to an existing workload"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1525",
--   "TA0002/T1610",
-- ]
-- needs = "Request"
-- resources = [
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "cronjobs",
-- ]
-- describe = "A patch or update brought a container into a workload that was there without it: a sidecar shares the network, and often the volumes and credentials, of the application."
-- benign = ["A release that brings a new sidecar: name the pipeline as an operator"]
-- blind = [
--   "a container that takes the name of one that was there",
--   "a merge patch at level Request where the log does not show the workload before",
-- ]
-- triage = [
--   "Does the container belong to a release?",
--   "Which volumes and secrets does it share?",
-- ]

with known as (
  -- when the log first shows the whole of a workload
  select cluster, workload, min(ts) as since
  from pod_specs
  where resource not in ('pods', 'replicasets', 'jobs') and outcome in ('allowed', 'unknown')
    and (verb in ('create', 'update') or response_object is not null)
  group by cluster, workload
),
added as (
  select
    *,
    min(ts) over (partition by cluster, workload, container_name) as appeared,
    -- a JSON patch says itself that it adds
    coalesce(
      regexp_like(
        request_object,
        '"op" *: *"add"[^{}]*"path" *: *"/spec/([^"]*/)?(initContainers|containers)/(-|[0-9]+)"'
        || '|"path" *: *"/spec/([^"]*/)?(initContainers|containers)/(-|[0-9]+)"[^{}]*"op" *: *"add"'
      ), false
    ) as says_add
  from pod_containers
  where resource not in ('pods', 'replicasets', 'jobs') and outcome in ('allowed', 'unknown')
    and container_name is not null and image is not null
)
select
  first_value(a.audit_id order by a.ts, a.audit_id) as audit_id,
  min(a.ts) as first_seen,
  max(a.ts) as last_seen,
  a.actor,
  a.workload as object,
  count(distinct a.audit_id) as events,
  a.cluster,
  array_agg(distinct a.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct a.container_name || ' ' || a.image)), ', ') as containers,
  a.client_ip,
  min(a.user_agent) as user_agent
from added a
left join known k on k.cluster = a.cluster and k.workload = a.workload
where a.verb in ('patch', 'update') and a.ts = a.appeared
  and (a.says_add or a.appeared > k.since)
  and starts_with(a.username, 'system:node:') is not true
  and not in_identities('cluster_controllers', a.username)
  and not (in_identities('operators', a.username) and in_identities('operators', a.actor))
group by a.cluster, a.date, a.actor, a.client_ip, a.workload
