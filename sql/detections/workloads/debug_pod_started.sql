-- title = "A pod of a general-purpose image was started by hand"
-- status = "test"
-- severity = "low"
-- attack = ["TA0002/T1610"]
-- needs = "Request"
-- resources = ["pods"]
-- describe = "A pod without a controller was created from a base or tool box image: a shell inside the cluster's network."
-- benign = ["kubectl run and kubectl debug while looking for a fault"]
-- triage = [
--   "Which service account and network does it have?",
--   "What was run in it? See pod_exec",
-- ]
-- references = ["https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct image)), ' ') as images,
  array_to_string(array_sort(array_agg(distinct workload)), ' ') as pods,
  client_ip,
  min(user_agent) as user_agent
from pod_containers
where resource = 'pods' and subresource is null and verb = 'create' and outcome in ('allowed', 'unknown')
  and regexp_like(
    lower(image),
    '(^|/)(alpine|busybox|ubuntu|debian|debian-slim|centos|fedora|rockylinux|almalinux|amazonlinux|oraclelinux|archlinux'
    || '|kali|bash|curl|wget|netshoot|network-multitool|nettools|dnsutils|jessie-dnsutils|swiss-army-knife|toolbox'
    || '|utils|kubectl|alpine-k8s|aws-cli|google-cloud-cli|cloud-sdk|azure-cli|tcpdump|nginx|python|perl|node|golang)(:|@|$)'
  )
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace
