-- title = "Memory of a container dumped through the kubelet"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0009/T1005",
-- ]
-- needs = "Metadata"
-- resources = ["nodes"]
-- describe = "The kubelet's checkpoint was called through nodes/proxy: it writes the memory of a running container, with every secret in it, to a file on the node."
-- benign = ["Migration or forensics with checkpoints"]
-- blind = ["calls to the kubelet's own port, which no audit log shows"]
-- triage = ["Where is the archive below /var/lib/kubelet/checkpoints, and who took it?"]
-- references = ["https://kubernetes.io/docs/reference/node/kubelet-checkpoint-api/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  target as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  name as node,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    -- /checkpoint/{namespace}/{pod}/{container}
    coalesce(split_part(kubelet_path, '/', 3) || '/' || split_part(kubelet_path, '/', 4), name, '?') as target
  from pod_access
  where resource = 'nodes' and outcome <> 'denied'
    and regexp_like(lower(kubelet_path), '^/+checkpoint(/|$)')
)
group by cluster, date, actor, client_ip, name, target
