-- title = "A container with less isolation than usual"
-- status = "test"
-- severity = "low"
-- attack = ["TA0004/T1611"]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "A workload was written whose containers share their processes, or that switches off a default protection: masked /proc, seccomp, AppArmor or SELinux."
-- benign = [
--   "Sidecars that signal or profile their neighbour",
--   "Builders of images without root",
-- ]
-- triage = ["Which other container of the pod holds something worth stealing?"]
-- references = [
--   "https://kubernetes.io/docs/tasks/configure-pod-container/share-process-namespace/",
--   "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  workload as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct relaxed)), ', ') as relaxations,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    unnest(array_concat(
      case when json_get_bool(spec, 'shareProcessNamespace') then make_array('shareProcessNamespace') else make_array() end,
      case when array_has(json_texts(spec, '*', '*', 'securityContext', 'procMount'), 'Unmasked')
        then make_array('procMount') else make_array() end,
      case when array_has(json_texts(spec, '*', '*', 'securityContext', 'seccompProfile', 'type'), 'Unconfined')
          or json_get_str(spec, 'securityContext', 'seccompProfile', 'type') = 'Unconfined'
        then make_array('seccomp') else make_array() end,
      case when array_has(json_texts(spec, '*', '*', 'securityContext', 'appArmorProfile', 'type'), 'Unconfined')
          or json_get_str(spec, 'securityContext', 'appArmorProfile', 'type') = 'Unconfined'
          or regexp_like(request_object, 'container\.apparmor\.security\.beta\.kubernetes\.io/[^"]*" *: *"unconfined"')
        then make_array('AppArmor') else make_array() end,
      case when array_has_any(
            array_concat(
              coalesce(json_texts(spec, '*', '*', 'securityContext', 'seLinuxOptions', 'type'), make_array()),
              coalesce(json_texts(spec, 'securityContext', 'seLinuxOptions', 'type'), make_array())
            ), make_array('spc_t', 'unconfined_t'))
        then make_array('SELinux') else make_array() end
    )) as relaxed
  from pod_specs
)
where relaxed is not null and outcome in ('allowed', 'unknown')
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, workload
