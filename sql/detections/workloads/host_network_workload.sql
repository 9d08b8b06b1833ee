-- title = "A workload on the node's network"
-- status = "test"
-- severity = "low"
-- attack = ["TA0004/T1611"]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "jobs",
--   "cronjobs",
-- ]
-- describe = "A workload was written that uses the network of its node, where it sees traffic and reaches what trusts the node."
-- benign = ["Ingress controllers and node agents"]
-- triage = ["Does the workload need it?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  workload as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from pod_specs
where json_get_bool(spec, 'hostNetwork') and outcome in ('allowed', 'unknown')
  -- kubelets report the static pods of their node
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, workload
