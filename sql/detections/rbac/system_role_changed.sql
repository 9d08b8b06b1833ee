-- title = "Built-in role changed"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0003/T1098",
--   "TA0004/T1098.006",
-- ]
-- needs = "Metadata"
-- resources = [
--   "clusterroles",
--   "roles",
-- ]
-- describe = "A role that Kubernetes itself brings (system:...) was changed or deleted."
-- benign = ["Upgrades by the provider of the cluster"]
-- triage = ["Which rights were added?"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, name as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  resource, array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs, client_ip, min(user_agent) as user_agent
from sensitive
where sensitivity = 'rbac' and resource in ('roles', 'clusterroles', 'clusterrolebindings', 'rolebindings')
  and starts_with(name, 'system:') and verb <> 'create' and outcome in ('allowed', 'unknown')
  and actor_kind <> 'control_plane'
 and not in_identities('cluster_controllers', actor)
group by cluster, date, actor, client_ip, resource, name
