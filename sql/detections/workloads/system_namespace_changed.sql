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
-- blind = ["the first two minutes of a cluster whose birth is in the log"]
-- triage = ["What was written, and does it still run?"]

with births as (
  -- the API server makes kube-system once, and lets nobody delete it
  select cluster, min(ts) as born
  from sensitive
  where resource = 'namespaces' and verb = 'create' and name = 'kube-system' and username = 'system:apiserver'
    and outcome = 'allowed'
  group by cluster
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  namespace as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(
    array_sort(array_agg(distinct verb || ' ' || resource || '/' || coalesce(name, '?'))), ', '
  ) as changes,
  client_ip,
  min(user_agent) as user_agent
from (
  select s.*, b.born
  from sensitive s
  left join births b on b.cluster = s.cluster
)
where namespace in ('kube-system', 'kube-public', 'kube-node-lease')
  and sensitivity in ('secret', 'rbac', 'workload', 'config', 'exec')
  and verb in ('create', 'update', 'patch', 'delete', 'deletecollection') and outcome in ('allowed', 'unknown')
  -- ways into pods have detections of their own; a namespace is not in itself
  and coalesce(subresource, '') not in ('exec', 'attach', 'portforward', 'proxy')
  and (resource is distinct from 'namespaces')
  -- the components in kube-system keep their settings there; the same token in a person's tool is another matter
  and (
    service_account_namespace = 'kube-system'
    and impersonated_username is null
    and agent_class(user_agent) = 'component'
    and sensitivity in ('config', 'secret')
  ) is not true
  -- a cluster is furnished right after its birth, which no later request can repeat
  and (ts >= born and ts < born + interval '2 minutes') is not true
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not in_identities('eks_controllers', username)
  and not in_identities('aks_controllers', username)
  and not in_identities('gke_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace
