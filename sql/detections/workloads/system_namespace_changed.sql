-- title = "Possible hiding in a system namespace"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0005/T1036.005",
--   "TA0003/T1098",
-- ]
-- needs = "Metadata"
-- describe = "Something was written in kube-system, kube-public or kube-node-lease by an identity that does not run the cluster."
-- benign = ["Administrators and deployment tools that look after the cluster itself: name them as operators"]
-- triage = ["What was written, and does it still run?"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, namespace as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb || ' ' || resource || '/' || coalesce(name, '?'))), ', ') as changes, client_ip, min(user_agent) as user_agent
from sensitive
where namespace in ('kube-system', 'kube-public', 'kube-node-lease')
  and verb in ('create', 'update', 'patch', 'delete', 'deletecollection')
  and sensitivity in ('secret', 'rbac', 'workload', 'config', 'exec') and outcome in ('allowed', 'unknown')
  and actor_kind in ('human', 'service_account', 'anonymous')
  and coalesce(service_account_namespace, '') <> 'kube-system'
  and coalesce(subresource, '') not in ('exec', 'attach', 'portforward', 'proxy')
  and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
  and not (resource = 'secrets' and coalesce(name, '') like 'bootstrap-token-%')
  and not (resource = 'namespaces')
group by cluster, date, actor, client_ip, namespace
