-- title = "A workload gets tokens for another system"
-- status = "test"
-- severity = "info"
-- attack = ["TA0006/T1528"]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "A workload was written with a projected service account token whose audience is not the API server: one finding an identity and audience, as context on which outside systems trust the cluster."
-- benign = ["Workload identity of the clouds, Vault"]
-- triage = ["Which rights does the other system give to this account?"]
-- references = ["https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  audience as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct workload)), ' ') as workloads,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, unnest(json_texts(spec, 'volumes', '*', 'projected', 'sources', '*', 'serviceAccountToken', 'audience')) as audience
  from pod_specs
)
where audience is not null and audience <> '' and outcome in ('allowed', 'unknown')
  and audience not in ('https://kubernetes.default.svc', 'https://kubernetes.default.svc.cluster.local')
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, audience
