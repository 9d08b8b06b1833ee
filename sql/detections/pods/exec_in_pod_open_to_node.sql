-- title = "Possible escape: command in a pod that is open to its node"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0004/T1611",
--   "TA0002/T1609",
-- ]
-- needs = "Request"
-- resources = ["pods"]
-- describe = "Someone entered a pod whose specification, as it was written in this log, is privileged, shares the processes of the node or mounts its files: a shell there is a shell on the node."
-- benign = ["Administrators in pods of network or storage agents: name them as operators"]
-- blind = [
--   "pods that were written before the log begins",
--   "pods whose names neither the log nor their workload's name tells",
--   "kinds of workloads that no view knows",
-- ]
-- triage = ["Who wrote the specification, and did the same identity enter?"]
-- references = ["https://kubernetes.io/docs/concepts/security/pod-security-standards/"]

with owners as (
  select
    cluster, ts, resource, kind as danger, value,
    -- resource namespace/name
    split_part(workload, ' ', 2) as full_name,
    split_part(split_part(workload, ' ', 2), '/', 1) as place
  from pod_dangers
  where outcome in ('allowed', 'unknown')
    and (
      kind in ('privileged', 'hostPID', 'hostProcess')
      or (
        kind = 'capability'
        and regexp_replace(upper(value), '^CAP_', '') in ('ALL', 'SYS_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'BPF')
      )
      or (
        kind = 'hostPath'
        and regexp_like(
          regexp_replace(regexp_replace(value, '/(\.?/)+', '/', 'g'), '/\.?$', ''),
          '^(/(etc|home|root|proc|sys|var|var/lib|run|var/run|host|boot|usr|bin|dev))?$|(^|/)\.\.(/|$)'
          || '|^/(root|proc|etc/kubernetes|var/lib/(kubelet|docker|containerd|etcd)|(var/)?run/(docker'
          || '|containerd|crio)[^/]*)(/|$)'
        )
      )
    )
),
entries as (
  select *, pod as target, split_part(pod, '/', 1) as place
  from pod_access
  where kind in ('exec', 'attach', 'ephemeralcontainers', 'node_exec', 'node_run', 'node_attach')
    and outcome <> 'denied' and pod is not null
    and not (in_identities('operators', username) and in_identities('operators', actor))
)
select
  first_value(entry.audit_id order by entry.ts, entry.audit_id) as audit_id,
  min(entry.ts) as first_seen,
  max(entry.ts) as last_seen,
  entry.actor,
  entry.target as object,
  count(distinct entry.audit_id) as events,
  entry.cluster,
  array_agg(distinct entry.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct owner.danger || coalesce(' ' || owner.value, ''))), ', ') as dangers,
  array_to_string(array_sort(array_agg(distinct entry.command)), ' | ') as commands,
  entry.client_ip,
  min(entry.user_agent) as user_agent
from entries entry
join owners owner
  on owner.cluster = entry.cluster
    and owner.place = entry.place
    -- written before, with the clocks of two API servers apart
    and owner.ts <= entry.ts + interval '5 seconds'
    and (
      owner.full_name = entry.target
      or (
        (owner.resource <> 'pods' or ends_with(owner.full_name, '-'))
        and starts_with(entry.target, rtrim(owner.full_name, '-') || '-')
      )
    )
group by entry.cluster, entry.date, entry.actor, entry.client_ip, entry.target
