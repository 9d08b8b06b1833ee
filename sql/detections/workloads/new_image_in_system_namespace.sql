-- title = "Possible hiding: a new image in a system namespace"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0005/T1036.005",
--   "TA0002/T1610",
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
-- describe = "A workload in kube-system, kube-public or kube-node-lease runs an image that the cluster has not run in the days before, whoever wrote it."
-- benign = ["A new component of the platform"]
-- blind = [
--   "an image that ran elsewhere in the cluster before: see system_namespace_changed",
--   "a new tag of a known image",
-- ]
-- triage = ["Who wrote the workload, and does it belong to an upgrade?"]
-- params = { history_days = 7 }

with new_images as (
  select cluster, date, value as image, max(log_days) as log_days
  from first_times
  where feature in ('image', 'privileged_image') and log_days >= $history_days
    and date_trunc('day', value_first_seen) = date_trunc('day', first_seen)
  group by cluster, date, value
)
select
  -- who wrote the workload, rather than the controller that made its pods
  first_value(p.audit_id order by in_identities('cluster_controllers', p.username), p.ts, p.audit_id) as audit_id,
  min(p.ts) as first_seen,
  max(p.ts) as last_seen,
  first_value(p.actor order by in_identities('cluster_controllers', p.username), p.ts, p.audit_id) as actor,
  p.namespace || ' ' || n.image as object,
  count(distinct p.audit_id) as events,
  p.cluster,
  array_agg(distinct p.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct p.workload)), ' ') as workloads,
  max(n.log_days) as log_days
from pod_containers p
join new_images n
  on n.cluster = p.cluster and n.date = p.date and n.image = regexp_replace(p.image, '(@.*|:[^/]*)$', '')
where p.namespace in ('kube-system', 'kube-public', 'kube-node-lease') and p.outcome in ('allowed', 'unknown')
  and not in_identities('eks_controllers', p.username)
  and not in_identities('aks_controllers', p.username)
group by p.cluster, p.date, p.namespace, n.image
