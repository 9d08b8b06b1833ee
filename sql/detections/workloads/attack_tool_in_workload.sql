-- title = "Possible tool of attack in a workload"
-- status = "test"
-- severity = "medium"
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
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "An image, a container or a workload bears the name of a tool for breaking out of containers, tunnelling, scanning or stealing credentials."
-- benign = [
--   "A penetration test",
--   "Tunnels of developers: ngrok, frpc",
--   "Node shells of administrators",
-- ]
-- blind = [
--   "a tool under another name: see image_used",
--   "names of miners and scanners of clusters: see miner_workload",
-- ]
-- triage = [
--   "Who wrote the workload, with which credential?",
--   "What may the pod reach?",
-- ]

select
  -- who wrote the workload, rather than the controller that made its pods
  first_value(audit_id order by in_identities('cluster_controllers', username), ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  first_value(actor order by in_identities('cluster_controllers', username), ts, audit_id) as actor,
  coalesce(namespace, '*') || ' ' || coalesce(image, container_name, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct workload)), ' ') as workloads,
  first_value(client_ip order by in_identities('cluster_controllers', username), ts, audit_id) as client_ip,
  first_value(user_agent order by in_identities('cluster_controllers', username), ts, audit_id) as user_agent
from pod_containers
where outcome in ('allowed', 'unknown')
  and (
    -- network plugins enter other namespaces too, but not from a pod or job by hand
    regexp_like(lower(concat_ws(' ', image, container_name, workload)), '(^|[^a-z0-9])nsenter([^a-z0-9]|$)')
    or resource in ('pods', 'jobs') and not in_identities('cluster_controllers', username)
      and regexp_like(lower(concat_ws(' ', command, args)), '(^|[^a-z0-9])nsenter([^a-z0-9]|$)')
    or regexp_like(
      lower(concat_ws(' ', image, command, args, container_name, workload)),
      '(^|[^a-z0-9])(nsenter1|kubeletmein|kubesploit|metasploit|msfconsole|msfvenom|meterpreter|kalilinux|kali-rolling'
      || '|parrotsec|blackarch|mimikatz|mimipenguin|linpeas|pspy(32|64)?|truffleproc|cdk-team|traitor|amicontained|sliver'
      || '|cobaltstrike|chisel|ngrok|frpc|ligolo|gsocket|proxychains|masscan|zmap|sqlmap|nikto|bettercap|ettercap'
      || '|node-?shell|nodeshell|kubestroyer|kubehound|rbac-police|red-kube|container-escape|escape-to-host'
      || '|container-breakout|exploit|reverse-?shell|revshell|rootkit|backdoor|pwn(kit|ed)?|evil)([^a-z0-9]|$)'
    )
  )
group by cluster, date, namespace, image, container_name
