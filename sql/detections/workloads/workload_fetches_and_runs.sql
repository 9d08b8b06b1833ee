-- title = "Possible malware: a workload fetches a program and runs it"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0011/T1105",
--   "TA0002/T1059.004",
-- ]
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
-- describe = "The command, the arguments, a hook or a probe of a container fetches a script or decodes one and hands it to an interpreter."
-- benign = ["Jobs that install a tool at their start"]
-- blind = [
--   "an image that brings the program",
--   "a script from a ConfigMap",
--   "a workload that was written before the log begins",
-- ]
-- triage = [
--   "Where does it fetch from, and what?",
--   "Who wrote the workload?",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1105/"]

select
  -- who wrote the workload, rather than the controller that made its pods
  first_value(audit_id order by in_identities('cluster_controllers', username), ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  first_value(actor order by in_identities('cluster_controllers', username), ts, audit_id) as actor,
  first_value(workload order by in_identities('cluster_controllers', username), ts, audit_id) as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct workload)), ' ') as workloads,
  min(substr(commands, 1, 500)) as commands,
  array_to_string(array_sort(array_agg(distinct image)), ' ') as images,
  first_value(client_ip order by in_identities('cluster_controllers', username), ts, audit_id) as client_ip,
  first_value(user_agent order by in_identities('cluster_controllers', username), ts, audit_id) as user_agent
from pod_containers
where outcome in ('allowed', 'unknown')
  and regexp_like(
    commands,
    '(?s)(curl|wget|fetch) .*\| *(sudo +)?([^ |]*/)?((a|ba|da|z)?sh|python[0-9.]*|perl|ruby|node)( |$|[;|&])'
    || '|(\$\(|`|<\() *(curl|wget) |(curl|wget) .{0,500}(;|&&|\n) *chmod +(-R +)?([ugoa]*\+[rwst]*x|0?[57][0-7]{2})'
    || '|base64 +(-d|-D|--decode)[^|]*\| *([^ |]*/)?((a|ba|da|z)?sh|python[0-9.]*|perl)( |$|[;|&])'
    || '|exec\( *(__import__\(.base64.\)|base64\.b64decode|urllib|requests\.get)|urlopen\(.*exec\('
  )
  -- of controllers, too many pods prepare themselves so
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, namespace, commands
