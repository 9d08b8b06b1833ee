-- title = "Pods were created without a controller"
-- status = "test"
-- severity = "info"
-- attack = ["TA0002/T1610"]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "Pods were created by someone other than a controller or a node: one finding an identity and namespace, as context."
-- benign = [
--   "kubectl run",
--   "Runners of pipelines and operators that make pods themselves",
-- ]
-- triage = ["What ran in them?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct coalesce(name, '?'))), ' ') as pods,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource = 'pods' and subresource is null and verb = 'create' and outcome in ('allowed', 'unknown')
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace
