-- title = "Secrets deleted in bulk"
-- status = "test"
-- severity = "high"
-- attack = ["TA0040/T1485"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "One request deleted the secrets of a namespace, perhaps narrowed by a selector. The answer contains what was deleted, so it is also a way to read them."
-- benign = ["An administrator who empties a namespace"]
-- triage = [
--   "Can the secrets be restored?",
--   "Who had read them before?",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  min(secret) as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from secret_access
where verb = 'deletecollection' and outcome in ('allowed', 'unknown')
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace
