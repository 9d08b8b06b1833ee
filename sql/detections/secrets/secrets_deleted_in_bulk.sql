-- title = "Secrets deleted in bulk"
-- status = "test"
-- severity = "high"
-- attack = ["TA0040/T1485"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "One request deleted all secrets of a namespace or of the cluster, whose answer contains what was deleted."
-- benign = ["An administrator who empties a namespace"]
-- triage = [
--   "Can the secrets be restored?",
--   "Who has read them before?",
-- ]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, min(secret) as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids, client_ip, min(user_agent) as user_agent
from secret_access
where verb = 'deletecollection' and outcome in ('allowed', 'unknown')
  and actor_kind <> 'control_plane'
 and not in_identities('cluster_controllers', actor)
group by cluster, date, actor, client_ip, namespace
