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

with tools as (
  select distinct
    user_agent,
    regexp_match(
      lower(user_agent),
      'kube-?hunter|kubeletctl|peirates|kdigger|kubesploit|kubestriker|kubehound|bad-?pods|azurehound|bloodhound'
      || '|trufflehog'
      || '|access[_-]matrix|rakkess|kubectl-who-can|micro-scanner|cdk-team|nuclei|sqlmap|nikto|masscan|zgrab|nmap'
      || '|stratus-red-team|leonidas|dirbuster|gobuster|ffuf|metasploit|pacu|cloudfox|scoutsuite'
    )[1] as tool
  from addresses
)
select
  first_value(call.audit_id order by call.ts, call.audit_id) as audit_id,
  min(call.ts) as first_seen,
  max(call.ts) as last_seen,
  coalesce(call.actor, '?') as actor,
  tools.tool as object,
  count(distinct call.audit_id) as events,
  call.cluster,
  array_agg(distinct call.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct call.client_ip)), ' ') as client_ips,
  min(call.user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct call.outcome)), ',') as outcomes
from activity call
join tools on tools.user_agent = call.user_agent
where tools.tool is not null and not in_identities('operators', call.actor)
group by call.cluster, call.date, coalesce(call.actor, '?'), tools.tool
