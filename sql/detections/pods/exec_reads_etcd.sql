-- title = "Cluster database read through exec"
-- status = "test"
-- severity = "critical"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0009/T1213",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec reads, copies or writes etcd, which holds all secrets of the cluster: nothing that is read there is in the audit log."
-- benign = ["Backups of etcd by exec: name who makes them as operators"]
-- blind = [
--   "a shell in which the command is typed: the log shows the shell only",
--   "etcd's own port, which no audit log shows",
-- ]
-- triage = [
--   "Rotate all secrets, unless the backup is yours",
--   "Are secrets encrypted at rest, and where is the key?",
-- ]
-- references = ["https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/"]

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
    regexp_like(plain, '(^|[ /;|&(])(etcdctl|etcdutl) (.* )?(get|put|del|txn|watch|snapshot|make-mirror|backup'
      || '|export|user|role|auth)( |$)')
    or regexp_like(plain, '/registry/(secrets|serviceaccounts|configmaps)|/var/lib/etcd|/etc/kubernetes/pki/etcd'
      || '|/member/snap/db')
  )
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
