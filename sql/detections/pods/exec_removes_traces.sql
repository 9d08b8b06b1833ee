-- title = "Possible removal of traces through exec"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0005/T1070"]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec clears the history of a shell, removes logs or overwrites files."
-- benign = ["A full disk that someone makes room on"]
-- blind = ["a shell in which the command is typed: the log shows the shell only"]
-- triage = ["Which file was it, and is there a copy elsewhere?"]

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
    'history +-c|unset +histfile|histfile= *(/dev/null|[;&]|$)|histsize=0|(rm|truncate|ln|shred|cat /dev/null|:'
    || '|>) [^;|&]*_history'
    || '|(^|[ /;|&(])shred +-|(^|[ /;|&(])journalctl +--vacuum|(^|[ /;|&(])(auditctl +-[de]|dmesg +-[cC])'
    || '|(^|[ /;|&(])(rm|truncate|unlink)( [^;|&]*)? [^ ;|&]*/var/log/|(^|[ ;|&(])(:|true|echo( -n)?'
    || '|cat /dev/null)? *> */var/log/'
    || '|(^|[ /;|&(])find [^;|&]*(\.log|/var/log)[^;|&]* -delete'
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
