-- title = "Service account token read through exec"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0006/T1528",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec names the place where a pod's token or mounted secrets lie."
-- benign = ["A script that tests whether a token is mounted"]
-- blind = [
--   "a shell in which the path is typed: the log shows the shell only",
--   "paths written with variables",
-- ]
-- triage = [
--   "Where was the pod's token used afterwards? See token_foreign_address",
--   "Rotate what the pod mounts",
-- ]

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
    '/run/secrets|/secrets/kubernetes\.io|/secrets/eks\.amazonaws\.com|/tokens/(azure|gcp)|azure-identity-token|gcp-ksa'
    -- with wildcards: /run/s*/*/*/token, find / -name token
    || '|/run/[a-z/]*[*?\[][^ ]*|/(kubernetes\.io|serviceaccount)/[^ ]*|-i?(name|path) [^ ]*token'
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
