-- title = "Reverse shell in the command of a workload"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0002/T1059.004",
--   "TA0011/T1071",
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
-- describe = "The command, the arguments, a hook or a probe of a container is an idiom that hands a shell to another machine."
-- benign = [
--   "A penetration test",
--   "A check of health that talks through a shell",
-- ]
-- blind = ["a command that comes with the image, from a ConfigMap or an environment variable, or encoded"]
-- triage = [
--   "Which address does it call?",
--   "Which secrets and which service account does the pod have?",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1059/004/"]

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
    '(?s)>& */dev/(tcp|udp)/|/dev/(tcp|udp)/.*((^|[^0-9])[01] *[<>]& *[0-9]|(^|[ /;&|])(ba|da|z|k)?sh +(-i|<&)|while +read)'
    || '|(^|[ /;&|])(ba|da|z|k)?sh +-i .*/dev/(tcp|udp)/|mkfifo .*\b(nc|ncat|netcat|telnet|openssl)\b|socat .*exec'
    || '|pty\.spawn|fsockopen.*(exec|proc_open|system)|socket.*(dup2|subprocess|spawn)'
    || '|(^|[ /;&|])(nc|ncat|netcat)( .*)? (-[a-z]*e|-[a-z]*c +[^ ]*sh|--(sh-)?exec)( |$)'
    || '|(^|[ /;&|])(ba|z|k)?sh +-i +[^|]*[0-9]?[<>]&|TCPSocket\.(new|open).*(exec|spawn|popen|\$stdin)'
    || '|Socket::INET.*(exec|open)|tclsh .*socket'
  )
group by cluster, date, namespace, commands
