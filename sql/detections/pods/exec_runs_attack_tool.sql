-- title = "Attack tool run in a pod"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0002/T1609",
--   "TA0007/T1046",
--   "TA0040/T1496.001",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec starts a program made for breaking out of containers, scanning, tunnelling, searching for credentials or mining."
-- benign = [
--   "A penetration test",
--   "nmap in the hands of a network engineer",
-- ]
-- blind = [
--   "a shell in which the command is typed: the log shows the shell only",
--   "a tool under another name",
-- ]
-- triage = [
--   "Is a test announced?",
--   "How did the program come into the pod?",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1609/"]

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
      '(^|[ /;|&(=])(kubeletctl|peirates|kube-?hunter|kdigger|deepce(\.sh)?|amicontained|botb(-[a-z0-9-]+)?'
      || '|linpeas[^ ]*'
      || '|truffle(hog)?|gitleaks|azurehound|bloodhound[^ ]*|kubesploit|kubestriker|kubehound|badpods|nuclei'
      || '|masscan|zmap'
      || '|nmap|rustscan|fscan[^ ]*|sqlmap|hydra|mimipenguin[^ ]*|lazagne[^ ]*|pspy(32|64)?s?|gs-netcat|chisel'
      || '|frpc|ngrok'
      || '|cloudflared|ligolo[^ ]*|meterpreter|msfvenom|sliver[^ ]*|merlinagent[^ ]*|responder|impacket[^ ]*'
      || '|xmrig[^ ]*|minerd|cpuminer|ccminer|t-rex|nbminer|ethminer|kinsing|kdevtmpfsi)( |$|[;|&)])'
    )
    or regexp_like(plain, '(^|[ /;|&])cdk(_linux_[a-z0-9]+)? +(auto-escape|eva(luate)?|run|kcurl|ectl|ucurl'
      || '|probe)( |$)')
    or regexp_like(plain, 'stratum\+(tcp|ssl|udp)://|--donate-level|nicehash|(^|[/. ])(pool|xmr)\.[a-z0-9-]+\.[a-z]+:')
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
