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
-- ]
-- describe = "A pod or a workload was written that is privileged, shares the node's processes, adds dangerous capabilities, or mounts a sensitive path of the node."
-- benign = ["Node agents: network, storage, monitoring, at deployment"]
-- blind = ["pods made by a controller from a workload that was written before the log begins: see privileged_pod_started"]
-- triage = [
--   "Was the deployment planned?",
--   "On which node does the pod run, and what was done on it?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/pod-security-standards/"]

with dangers as (
  select cluster, audit_id, 'privileged' as danger from pod_containers where privileged
  union
  select cluster, audit_id, 'capability ' || capability as danger
  from (select cluster, audit_id, unnest(capabilities) as capability from pod_containers)
  where upper(capability) in ('ALL', 'SYS_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'DAC_READ_SEARCH', 'DAC_OVERRIDE', 'BPF', 'SYS_RAWIO')
  union
  select cluster, audit_id, 'hostPath ' || host_path as danger
  from pod_volumes
  where regexp_like(
    regexp_replace(regexp_replace(host_path, '/\.?/', '/', 'g'), '(.)/+$', '\1'),
    '^(/|/\.\.|/etc|/root|/home|/proc|/sys|/var|/run|/host|/boot|/usr|/bin|/sbin|/lib|/dev)$|\.\.|^/(etc/kubernetes|root|var/lib/(kubelet|docker|containerd|etcd)|var/run/(docker|containerd|crio)|run/(docker|containerd|crio)|proc|var/log$)'
  )
  union
  select cluster, audit_id, 'hostPID' as danger from pod_specs where json_get_bool(spec, 'hostPID')
  union
  select cluster, audit_id, 'hostIPC' as danger from pod_specs where json_get_bool(spec, 'hostIPC')
  union
  select cluster, audit_id, 'JSON patch' as danger
  from pod_specs
  where regexp_like(patch, '"(privileged|hostPID|hostIPC)" *: *true|/(privileged|hostPID|hostIPC)"[^}]*"value" *: *true|"hostPath"')
)
select
  first_value(p.audit_id order by p.ts) as audit_id, min(p.ts) as first_seen, max(p.ts) as last_seen, p.actor,
  p.workload as object, count(distinct p.audit_id) as events, p.cluster,
  array_agg(distinct p.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct d.danger)), ', ') as dangers, p.client_ip, min(p.user_agent) as user_agent,
  min(p.service_account) as service_account
from pod_specs p
join dangers d on d.cluster = p.cluster and d.audit_id = p.audit_id
where p.outcome in ('allowed', 'unknown') and p.actor_kind not in ('control_plane', 'node')
  and not in_identities('cluster_controllers', p.actor)
  and not in_identities('operators', p.actor)
group by p.cluster, p.date, p.actor, p.client_ip, p.workload
