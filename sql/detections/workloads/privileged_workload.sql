-- title = "Workload that can take over its node"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0004/T1611",
--   "TA0002/T1610",
-- ]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "jobs",
--   "cronjobs",
--   "persistentvolumes",
-- ]
-- describe = "A pod or a workload was written that is privileged, shares the node's processes, adds dangerous capabilities, or mounts a sensitive path of the node; or a persistent volume of such a path."
-- benign = ["Node agents: network, storage, monitoring, at deployment"]
-- blind = [
--   "pods made by a controller from a workload that was written before the log begins: see privileged_pod_started",
--   "static pods, which are files on a node",
-- ]
-- triage = [
--   "Was the deployment planned?",
--   "On which node does the pod run, and what was done on it?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/pod-security-standards/"]

with dangers as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, outcome, workload, service_account, kind, value
  from pod_dangers
  union all
  -- a volume of the cluster reaches a node's files for any pod that claims it
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, outcome,
    'persistentvolumes ' || coalesce(name, '?') as workload,
    cast(null as varchar) as service_account,
    'hostPath' as kind,
    coalesce(
      json_get_str(json_written(request_object), 'spec', 'hostPath', 'path'),
      json_get_str(json_written(request_object), 'spec', 'local', 'path')
    ) as value
  from sensitive
  where resource = 'persistentvolumes' and sensitivity = 'config'
),
judged as (
  select
    *,
    -- the path without empty and . steps and without a slash at the end: / is the empty text
    case
      when kind = 'hostPath' then regexp_replace(regexp_replace(value, '/(\.?/)+', '/', 'g'), '/\.?$', '')
    end as path
  from dangers
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  workload as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct kind || coalesce(' ' || value, ''))), ', ') as dangers,
  client_ip,
  min(user_agent) as user_agent,
  min(service_account) as service_account
from judged
where outcome in ('allowed', 'unknown')
  and (
    kind in ('privileged', 'hostPID', 'hostIPC', 'hostProcess')
    or (
      kind = 'capability'
      and regexp_replace(upper(value), '^CAP_', '') in (
        'ALL', 'SYS_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'DAC_READ_SEARCH', 'BPF', 'SYS_RAWIO'
      )
    )
    or regexp_like(
      path,
      '^(/(etc|home|home/[^/]+|sys|var|var/lib|var/log|run|var/run|host|boot|usr|usr/(local|local/bin|bin|sbin|lib)|bin|sbin'
      || '|lib|lib64|opt|opt/cni|opt/cni/bin|var/spool|var/spool/cron|dev|dev/k?mem|dev/(sd|nvme|vd|xvd|dm-)[^/]*))?$'
      || '|(^|/)\.\.(/|$)'
      || '|^/(root|proc|etc/(kubernetes|cron[^/]*|ssh|shadow|passwd|sudoers[^/]*|systemd|pam\.d|profile\.d|ld\.so[^/]*|cni'
      || '|rancher)|home/[^/]+/\.[^/]+|var/lib/(kubelet|docker|containerd|containers|crio|etcd|rancher|k0s|cloud)'
      || '|var/spool/cron/[^/]+|(var/)?run/(docker|containerd|crio|cri-dockerd|podman|k3s)[^/]*)(/|$)'
      -- Windows
      || '|^[A-Za-z]:[\\/]*$|^[A-Za-z]:[\\/]+(windows|users|programdata|etc|var)([\\/]|$)'
      || '|[\\/]pipe[\\/](docker_engine|containerd-)'
    )
  )
  -- kubelets report the static pods of their node
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
-- every release of a node agent repeats what it opens: one finding, however many days
group by cluster, actor, client_ip, workload
