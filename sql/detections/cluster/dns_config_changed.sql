-- title = "Cluster DNS redirected"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1557",
--   "TA0005/T1565.001",
-- ]
-- needs = "Metadata"
-- resources = ["configmaps"]
-- describe = "The configuration of the cluster's DNS was changed: names can be pointed elsewhere."
-- benign = ["A planned change of DNS"]
-- triage = ["Which names were added or rewritten?"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, 'kube-system/' || name as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs, client_ip, min(user_agent) as user_agent
from sensitive
where resource = 'configmaps' and namespace in ('kube-system', 'openshift-dns')
  and name in ('coredns', 'kube-dns', 'coredns-custom', 'dns-default', 'node-local-dns')
  and verb not in ('get', 'list', 'watch', 'create') and outcome in ('allowed', 'unknown')
  and actor_kind in ('human', 'service_account', 'anonymous')
  and coalesce(service_account_namespace, '') not in ('kube-system', 'openshift-dns-operator')
  and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
group by cluster, date, actor, client_ip, name
