-- title = "Attack tool calls the API server"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0007/T1613",
--   "TA0043/T1595.002",
-- ]
-- needs = "Metadata"
-- describe = "The agent of a request names a program made for attacking or auditing clusters. Its author did not hide it, or forgot to."
-- benign = [
--   "A penetration test or an audit",
--   "A scanner of the platform team: name its account as an operator",
-- ]
-- blind = [
--   "foreign_agent: it looks for the tool's agent, which the client chooses",
--   "null_columns: it looks for the tool's agent",
-- ]
-- triage = [
--   "Is a test announced?",
--   "Which of its requests were answered?",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  tool as object,
  sum(events) as events,
  cluster,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent,
  bool_or(impersonated) as impersonated
from (
  select
    *,
    first_seen as ts,
    regexp_match(
      lower(user_agent),
      'kube-?hunter|kubeletctl|peirates|kdigger|kubesploit|kubestriker|kubehound|bad-?pods|azurehound|bloodhound|trufflehog'
      || '|access[_-]matrix|rakkess|kubectl-who-can|micro-scanner|cdk-team|nuclei|sqlmap|nikto|masscan|zgrab|nmap'
      || '|stratus-red-team|leonidas|dirbuster|gobuster|ffuf|metasploit|pacu|cloudfox|scoutsuite'
    )[1] as tool
  from addresses
)
where tool is not null and not in_identities('operators', actor)
group by cluster, actor, tool
