-- title = "Possible destruction: many objects deleted in a short time"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0040/T1485",
--   "TA0040/T1489",
-- ]
-- needs = "Metadata"
-- resources = [
--   "namespaces",
--   "pods",
--   "deployments",
--   "statefulsets",
--   "services",
--   "configmaps",
--   "persistentvolumeclaims",
-- ]
-- describe = "One identity deleted much within ten minutes, at whatever time they begin. Each kind weighs as much as its loss hurts: a pod that comes back 1, a role 2, a workload, service or ConfigMap 5, a volume, a definition or a whole collection 15, a namespace 50."
-- benign = [
--   "The removal of an environment",
--   "Runners that clean up after many tests",
-- ]
-- blind = [
--   "deletions spread over hours",
--   "what the controllers delete after a namespace: the deletion of the namespace counts",
-- ]
-- triage = [
--   "Is the identity a pipeline, and was it its own?",
--   "What can be restored, and from where?",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1485/"]
-- params = { weight_min = 250 }

with deletions as (
  -- stages of one request share all of these
  select
    cluster, date, ts, audit_id, actor, username, client_ip, resource, namespace, name, verb,
    min(user_agent) as user_agent,
    min(
      case
        when resource = 'namespaces' then 50
        when verb = 'deletecollection' then 15
        when resource in ('pods', 'jobs', 'replicasets', 'controllerrevisions') then 1
        when resource in ('roles', 'rolebindings', 'clusterroles', 'clusterrolebindings') then 2
        when resource in ('persistentvolumes', 'persistentvolumeclaims', 'customresourcedefinitions', 'nodes') then 15
        else 5
      end
    ) as weight
  from activity
  where verb in ('delete', 'deletecollection') and subresource is null and outcome in ('allowed', 'unknown')
    and resource in (
      'namespaces', 'pods', 'jobs', 'replicasets', 'deployments', 'statefulsets', 'daemonsets', 'cronjobs',
      'replicationcontrollers', 'services', 'ingresses', 'configmaps', 'secrets', 'serviceaccounts', 'persistentvolumes',
      'persistentvolumeclaims', 'customresourcedefinitions', 'nodes', 'networkpolicies', 'roles', 'rolebindings',
      'clusterroles', 'clusterrolebindings', 'applications', 'routes', 'httproutes'
    )
    and starts_with(username, 'system:node:') is not true
    and not in_identities('cluster_controllers', username)
    and not (in_identities('operators', username) and in_identities('operators', actor))
  group by cluster, date, ts, audit_id, actor, username, client_ip, resource, namespace, name, verb
),
windows as (
  select
    *,
    sum(weight) over (
      partition by cluster, actor order by ts range between current row and interval '10 minutes' following
    ) as following
  from deletions
),
bursts as (
  -- the whole of the ten minutes
  select
    *,
    max(following) over (
      partition by cluster, actor order by ts range between interval '10 minutes' preceding and current row
    ) as burst
  from windows
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  array_to_string(array_sort(array_agg(distinct resource)), ', ') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  max(burst) as weight,
  array_to_string(array_sort(array_agg(distinct coalesce(namespace, name, '*'))), ' ') as namespaces,
  min(client_ip) as client_ip,
  min(user_agent) as user_agent
from bursts
where burst >= $weight_min
group by cluster, date, actor
