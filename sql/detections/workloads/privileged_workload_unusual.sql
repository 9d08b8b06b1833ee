-- title = "Possible takeover of a node by an image that was never privileged before"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0004/T1611",
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
-- describe = "A privileged container runs an image that no one has run privileged in the days before, whoever wrote it, operators included."
-- benign = ["A new node agent"]
-- blind = [
--   "an image that has been privileged before",
--   "other ways to the node: see sensitive_mount_unusual and privileged_workload",
-- ]
-- triage = [
--   "Who wrote the workload, and does it belong to a release?",
--   "Where does the image come from?",
-- ]
-- params = { history_days = 7 }

select
  first_value(audit_id order by is_controller, first_seen, audit_id) as audit_id,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  first_value(actor order by is_controller, first_seen, actor) as actor,
  value as object,
  cast(sum(events) as bigint) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct actor)), ', ') as actors,
  max(log_days) as log_days
from (
  -- the pods that a controller makes follow the workload of someone else
  select *, in_identities('cluster_controllers', actor) as is_controller
  from first_times
  where feature = 'privileged_image' and log_days >= $history_days
    and date_trunc('day', value_first_seen) = date_trunc('day', first_seen)
)
group by cluster, date, value
