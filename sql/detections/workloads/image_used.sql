-- title = "An image was run"
-- status = "test"
-- severity = "info"
-- attack = ["TA0002/T1610"]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "jobs",
--   "cronjobs",
-- ]
-- describe = "A workload with this image was created or changed: one finding an image, for whoever knows which images belong in the cluster."
-- benign = ["Every image"]
-- triage = ["Does it come from a registry of yours?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  first_value(actor order by ts, audit_id) as actor,
  image as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  count(distinct namespace) as namespaces
from pod_containers
-- a patch may change a container and not its image
where outcome in ('allowed', 'unknown') and image is not null
group by cluster, image
