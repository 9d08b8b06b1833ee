-- title = "Mining or scanning software deployed"
-- status = "test"
-- severity = "high"
-- attack = ["TA0040/T1496"]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "jobs",
--   "cronjobs",
-- ]
-- describe = "An image, a command or a name in a workload is that of known mining or scanning software, or of a mining pool."
-- benign = ["A penetration test"]
-- triage = ["Who wrote the workload, with which credential?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  -- who wrote the workload, rather than the controller that made its pods
  first_value(actor order by in_identities('cluster_controllers', username), ts, audit_id) as actor,
  coalesce(namespace, '*') || ' ' || coalesce(image, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct workload)), ' ') as workloads,
  first_value(client_ip order by in_identities('cluster_controllers', username), ts, audit_id) as client_ip,
  first_value(user_agent order by in_identities('cluster_controllers', username), ts, audit_id) as user_agent
from pod_containers
where outcome in ('allowed', 'unknown')
  and regexp_like(
    lower(concat_ws(' ', image, command, args, container_name, workload)),
    'xmrig|xmr-stak|minerd|minergate|ethminer|ccminer|cryptonight|stratum\+(tcp|ssl)|nicehash|minexmr|supportxmr'
    || '|nanopool|moneroocean|kinsing|kube-hunter|peirates|deepce([^a-z]|$)|botb-|kdigger'
  )
group by cluster, date, namespace, image
