-- title = "Possible reading of credential files through exec"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.001",
--   "TA0006/T1552.004",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec names files that hold credentials, or the environment of processes."
-- benign = ["Debugging of environment variables"]
-- blind = [
--   "a shell in which the command is typed",
--   "the metadata service of the cloud: see exec_reaches_cloud_metadata",
-- ]
-- triage = ["Which credentials does the pod hold?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(pod, name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  client_ip,
  min(user_agent) as user_agent
from pod_commands
where outcome <> 'denied'
  and regexp_like(
    plain,
    '/etc/(g?shadow|kubernetes)|/var/lib/kubelet|\.(ssh|aws|kube|azure|docker)(/| |$)|\.config/gcloud'
    || '|\.(pem|key|jks|p12|pfx|keystore|kubeconfig|netrc|pgpass|my\.cnf|git-credentials|vault-token|npmrc'
    || '|pypirc)( |$|[;|&)])'
    || '|/id_(rsa|ecdsa|ed25519)|/credentials(\.json)?( |$|[;|&)])'
    || '|/proc/[^ ]*/environ|(^|[ /;|&(])(printenv( |$|[;|&)])|env *($|[;|&>)])|export +-p|declare +-x|compgen +-v)'
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
