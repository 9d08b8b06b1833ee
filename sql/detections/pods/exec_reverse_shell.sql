-- title = "Reverse shell or download run through exec"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0002/T1059",
--   "TA0011/T1105",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec opens a connection back, or fetches a program from elsewhere."
-- blind = ["a shell in which the command is typed"]
-- benign = ["Scripts that install a tool in a running pod"]
-- triage = ["Isolate the pod and keep its memory and disk"]

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
    '/dev/(tcp|udp)/|mkfifo|socat .*exec|pty\.spawn|fsockopen|socket.*(dup2|subprocess)'
    || '|(^|[ /])(nc|ncat|netcat)( .*)? (-[a-z]*e|-[a-z]*c +[^ ]*sh|--(sh-)?exec)( |$)'
    || '|(curl|wget) .*(\| *(sudo +)?([^ ]*/)?(a|ba|da|z)?sh( |$|[;|&])|chmod )|\$\((curl|wget) '
    || '|base64 +(-d|-D|--decode)[^|]*\| *([^ ]*/)?(a|ba|da|z)?sh( |$|[;|&])'
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
