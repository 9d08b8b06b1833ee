-- title = "Possible foothold left in a pod through exec"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1546",
--   "TA0003/T1098.004",
--   "TA0003/T1136.001",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec writes scheduled jobs, SSH keys, users, start-up files or preloaded libraries, which outlast the session."
-- benign = ["Repairs of a machine-like pod by its owner"]
-- blind = ["a shell in which the command is typed: the log shows the shell only"]
-- triage = ["Does the pod mount a volume or the node, so that the change outlives it?"]

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
      '(^|[ /;|&(])(crontab +(-($|[ ;|&)])|-[^l ]|[^- ])|useradd|adduser|usermod|chpasswd|passwd +[a-z]'
      || '|ssh-copy-id|setcap|systemctl +(enable|start))'
      || '|(^|[ /;|&(])chmod +([ugoa]*\+[rwx]*s|[2467][0-7]{3}) '
    )
    -- a file is written if something is directed, copied or edited into it
    or regexp_like(
      plain,
      '(>|tee( -a)?|(^|[ /;|&(])(cp|mv|install|ln|sed|scp|curl|wget|echo|printf|vi|vim|nano|tar|dd)) *[^;|&]*'
      || '(/etc/cron|/var/spool/cron|authorized_keys|/etc/(passwd|shadow|sudoers|profile|rc\.|init\.d|systemd'
      || '|ld\.so\.preload)'
      || '|\.(bashrc|bash_profile|profile|zshrc)|/etc/kubernetes/manifests|/etc/rc\.local)'
    )
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
