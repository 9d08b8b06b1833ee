-- title = "Escape to the node through exec"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0004/T1611",
--   "TA0002/T1609",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec enters the namespaces or the file system of the node, or talks to its container runtime."
-- benign = [
--   "Administrators in a node debugging pod",
--   "Storage agents that mount disks by exec",
-- ]
-- blind = ["a shell in which the command is typed: the log shows the shell only"]
-- triage = [
--   "How came the pod by the rights for this?",
--   "What was done on the node afterwards? No audit log shows it",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1611/"]

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
      '(^|[ /;|&(])(nsenter|unshare) .*-|(^|[ /;|&(])chroot +/|/proc/(1|self|thread-self|[^ /]*\*[^ /]*)/(root'
      || '|cwd)(/|$| )'
      || '|/(docker|containerd|crio|cri-dockerd|podman)/?[^ ]*\.sock|release_agent|core_pattern|/proc/sysrq-trigger'
      || '|(^|[ /;|&(])(debugfs|insmod|modprobe|kexec) |(^|[ /;|&(])mount .*(/dev/|cgroup|-t )|/dev/(sd|vd|xvd'
      || '|nvme|dm-)[a-z0-9]'
      || '|(^|[ /;|&(])(crictl|ctr|docker|podman|runc) +(-[^ ]+ +)*(exec|run|create|ps|pods|images|start|inspect'
      || '|task|c)( |$)'
    )
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
