select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  arg_min(actor, ts) as actor,
  image as object,
  count(distinct audit_id) as events,
  cluster,
  list(distinct audit_id) as audit_ids,
  count(distinct namespace) as namespaces
from pod_containers
where outcome in ('allowed', 'unknown') and image is not null
group by cluster, image
