-- title = "Possible escape by a new image with a path of the node"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0004/T1611",
--   "TA0003/T1543.005",
-- ]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "An image that the cluster has not run in the days before was given a path of the node, its processes or its interprocess memory, whoever wrote it, operators included."
-- benign = ["A new node agent"]
-- blind = ["an image that the cluster knows: see privileged_workload"]
-- triage = [
--   "Who wrote the workload, and does it belong to a release?",
--   "What was done on the node since?",
-- ]
-- params = { history_days = 7 }

with new_images as (
  select cluster, date, value as image, max(log_days) as log_days
  from first_times
  where feature in ('image', 'privileged_image') and log_days >= $history_days
    and date_trunc('day', value_first_seen) = date_trunc('day', first_seen)
  group by cluster, date, value
),
dangers as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, workload, kind, value,
    regexp_replace(
      unnest(array_concat(
        coalesce(json_texts(spec, 'containers', '*', 'image'), make_array()),
        coalesce(json_texts(spec, 'initContainers', '*', 'image'), make_array()),
        coalesce(json_texts(spec, 'ephemeralContainers', '*', 'image'), make_array())
      )), '(@.*|:[^/]*)$', ''
    ) as image
  from pod_dangers
  where kind in ('hostPath', 'hostPID', 'hostIPC') and outcome in ('allowed', 'unknown')
    -- sockets of plugins and the like are no files of the node's own
    and (kind <> 'hostPath' or not regexp_like(value, '^/(dev/(null|zero|shm|dri|fuse)|tmp/[^.]+|mnt/[^.]+|data/[^.]+|srv/[^.]+)$'))
)
select
  first_value(d.audit_id order by d.ts, d.audit_id) as audit_id,
  min(d.ts) as first_seen,
  max(d.ts) as last_seen,
  d.actor,
  d.workload || ' ' || d.image as object,
  count(distinct d.audit_id) as events,
  d.cluster,
  array_agg(distinct d.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct d.kind || coalesce(' ' || d.value, ''))), ', ') as dangers,
  max(n.log_days) as log_days,
  d.client_ip,
  min(d.user_agent) as user_agent
from dangers d
join new_images n on n.cluster = d.cluster and n.date = d.date and n.image = d.image
where starts_with(d.username, 'system:node:') is not true
  and not in_identities('cluster_controllers', d.username)
group by d.cluster, d.date, d.actor, d.client_ip, d.workload, d.image
