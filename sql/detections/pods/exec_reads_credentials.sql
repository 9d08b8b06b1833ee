-- title = "Possible reading of credential files through exec"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.001",
--   "TA0006/T1552.005",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec names files that hold credentials, the environment of processes, or the cloud metadata service."
-- benign = ["Debugging of environment variables"]
-- blind = ["a shell in which the command is typed"]
-- triage = ["Which credentials does the pod hold?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  pod as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  client_ip,
  min(user_agent) as user_agent
from pod_access
where outcome <> 'denied'
  and regexp_like(
    command,
    '/etc/(shadow|kubernetes)|/var/lib/kubelet|\.(ssh|aws|kube|azure|docker)/|\.config/gcloud'
    || '|\.(pem|key|jks|p12|pfx|kubeconfig|netrc|pgpass|git-credentials)( |$|[;|&])|/id_(rsa|ecdsa|ed25519)'
    || '|/proc/[^ ]*/environ|(^|[ /])(printenv( |$)|env *($|[;|&>]))'
    || '|169\.254\.169\.254|fd00:ec2::254|metadata\.google|computeMetadata'
  )
group by cluster, date, actor, client_ip, pod
