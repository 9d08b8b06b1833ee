-- title = "Possible copying of files out of or into a pod"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0009/T1005",
--   "TA0011/T1105",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec is tar to standard output or from standard input, as kubectl cp runs it."
-- benign = ["Developers who copy a dump or a log"]
-- blind = ["copies by cat, base64 or a shell in which the command is typed"]
-- triage = ["What lies in the copied path?"]

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
  -- tar cf - PATH, tar -xmf - -C PATH, tar -c -f - PATH
  and regexp_like(plain, '(^|[ /])tar +-?[a-z]*[cx][a-z]*(f[a-z]*| +-f) +-( |$|[;|&)])')
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
