-- title = "A node was changed by hand"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0040/T1489",
--   "TA0004/T1611",
-- ]
-- needs = "Metadata"
-- resources = ["nodes"]
-- describe = "A node was cordoned, labelled, tainted or deleted by someone who is neither the node nor a controller: labels and taints decide which pods come to it."
-- benign = [
--   "Maintenance",
--   "Autoscalers and agents that label nodes",
-- ]
-- blind = ["the status of a node"]
-- triage = [
--   "Which pods moved, and where to?",
--   "Is the node in maintenance?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/architecture/nodes/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(name, '*') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  array_to_string(array_sort(array_agg(distinct coalesce(change, '?'))), ', ') as changes,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    case
      when verb in ('delete', 'deletecollection', 'create') then verb
      when json_get_bool(json_written(request_object), 'spec', 'unschedulable') then 'cordoned'
      when json_contains(json_written(request_object), 'spec', 'taints') then 'taints'
      when json_contains(json_written(request_object), 'metadata', 'labels') then 'labels'
    end as change
  from sensitive
  where resource = 'nodes' and sensitivity = 'config' and outcome in ('allowed', 'unknown')
    -- the kubelet on its own node
    and username is distinct from 'system:node:' || coalesce(name, substr(username, 13))
)
where true
  and not in_identities('cluster_controllers', username)
  and not in_identities('eks_controllers', username)
  and not in_identities('aks_controllers', username)
  and not in_identities('gke_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, name
