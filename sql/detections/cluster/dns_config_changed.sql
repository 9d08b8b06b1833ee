-- title = "Configuration of the cluster's DNS changed"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1557",
--   "TA0005/T1565.001",
-- ]
-- needs = "Metadata"
-- resources = ["configmaps"]
-- describe = "The configuration of the cluster's DNS was written or deleted by someone who does not run the cluster: names can be pointed elsewhere."
-- benign = ["A planned change of DNS"]
-- triage = ["Which names were added or rewritten?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  namespace || '/' || name as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource = 'configmaps' and namespace in ('kube-system', 'openshift-dns')
  and name in ('coredns', 'kube-dns', 'coredns-custom', 'dns-default', 'node-local-dns')
  and sensitivity = 'config' and outcome in ('allowed', 'unknown')
  -- what every cluster is installed with cannot be created a second time, unless it was deleted
  and (verb = 'create' and name in ('coredns', 'dns-default')) is not true
  and (username is distinct from 'system:serviceaccount:openshift-dns-operator:dns-operator')
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name
