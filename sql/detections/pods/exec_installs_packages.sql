-- title = "Software was installed in a running pod"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0011/T1105",
--   "TA0002/T1609",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec runs a package manager: what is in the pod is no longer what is in its image."
-- benign = ["Debugging with tools that the image lacks"]
-- blind = ["a shell in which the command is typed: the log shows the shell only"]
-- triage = ["Which package, and what was run afterwards?"]

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
    '(^|[ /;|&(])(apt(-get)?|aptitude|yum|dnf|microdnf|zypper|tdnf) +(-[^ ]+ +)*(install|reinstall|update'
    || '|upgrade)( |$|[;|&])'
    || '|(^|[ /;|&(])(apk +(-[^ ]+ +)*add|dpkg +-i|rpm +-[a-z]*[iu]|pacman +-s|opkg +install)( |$)'
    || '|(^|[ /;|&(])(pip[0-9.]*|python[0-9.]* -m pip|npm|yarn|gem|cpan|cargo|go|conda) +(install|i|add|get)( |$)'
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
