-- title = "ConfigMaps or pods listed all over the cluster by hand"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0007/T1613",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = ["configmaps"]
-- describe = "Someone listed the ConfigMaps of the whole cluster or of several namespaces in a day, perhaps the pods as well: passwords that never became Secrets stand in there, in the text and in the environment of containers, and most roles may read them."
-- benign = ["An administrator with kubectl get configmaps -A, a backup, a sidecar that collects dashboards"]
-- blind = [
--   "who lists pods only, as everyone does all day",
--   "foreign_agent: a workload's token with a controller's agent looks like the controller",
-- ]
-- triage = ["Which credentials stand in ConfigMaps? configmap_with_credentials tells"]
-- references = ["https://kubernetes.io/docs/concepts/configuration/configmap/"]
-- params = { namespaces = 3 }

with lists as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, resource, namespace,
    case when resource = 'configmaps' then coalesce(namespace, '*') end as place
  from activity
  where resource in ('configmaps', 'pods') and subresource is null and name is null
    and (verb is null or verb in ('', 'get', 'list', 'watch', 'deletecollection'))
    and outcome in ('allowed', 'unknown') and (stage is distinct from 'RequestReceived')
    and (actor_kind in ('human', 'anonymous') or agent_class(coalesce(user_agent, '')) in ('cli', 'script'))
    and not in_identities('cluster_controllers', username)
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case
    when bool_or(coalesce(place = '*', false)) then 'ConfigMaps of all namespaces'
    else 'ConfigMaps of ' || count(distinct place) || ' namespaces'
  end as object,
  count(*) as events,
  cluster,
  array_slice(array_agg(audit_id order by ts, audit_id), 1, 100) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  min(username) as username,
  count(*) filter (where resource = 'pods') as lists_of_pods,
  array_to_string(array_sort(array_agg(distinct place)), ' ') as namespaces
from lists
group by cluster, date, actor, client_ip
having count(distinct place) >= $namespaces or bool_or(coalesce(place = '*', false))
