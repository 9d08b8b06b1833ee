-- title = "Built-in role or binding changed"
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
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "A role or binding that Kubernetes itself brings (system:..., cluster-admin, admin, edit, view) was changed or deleted."
-- benign = [
--   "Upgrades by the provider of the cluster",
--   "Upgrades of metrics-server or CoreDNS, whose roles are named system: too",
-- ]
-- triage = ["Which rights or subjects were added?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  name as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  resource,
  namespace,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource in ('roles', 'clusterroles', 'clusterrolebindings', 'rolebindings')
  and (
    starts_with(name, 'system:')
    or (resource = 'clusterroles' and name in ('cluster-admin', 'admin', 'edit', 'view'))
    or (resource = 'clusterrolebindings' and name = 'cluster-admin')
  )
  and sensitivity = 'rbac' and (verb is distinct from 'create') and outcome in ('allowed', 'unknown')
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, resource, namespace, name
