-- title = "Possible use of a pod's identity through exec"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0007/T1613",
--   "TA0008/T1550.001",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec calls the API server or a kubelet from inside the pod: whatever answers, answers the pod's service account."
-- benign = [
--   "Tests whether a workload reaches the API server",
--   "Pods that people work in, with kubectl in the image",
-- ]
-- blind = ["a shell in which the command is typed: the log shows the shell only"]
-- triage = ["What did the pod's service account do in the same minutes?"]

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
  and (
    regexp_like(
      plain,
      '(^|[ /;|&(])(kubectl|oc|helm) +[a-z-]|kubernetes\.default|//kubernetes(\.svc[^ /]*)?(:[0-9]+)?(/|$| )'
      || '|kubernetes_(service|port)_[a-z_]*'
      || '|/api/v1/(namespaces|secrets|pods|nodes|configmaps)|/apis/[a-z0-9.]+/v[0-9]|authorization: *bearer'
      || '|:(6443|10250|10255)(/|$| )'
    )
  )
  -- asking a program for its version calls nobody
  and not regexp_like(plain, '^(kubectl|oc|helm) version --client$')
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
