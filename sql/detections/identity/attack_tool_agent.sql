-- title = "Possible attack with a known tool"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0007/T1613", "TA0043/T1595.002"]
-- needs = "Metadata"
-- describe = "A request bears the name of a tool that searches clusters for weaknesses or credentials."
-- benign = ["A penetration test, or a scanner of your own"]
-- blind = [
--   "foreign_agent: a tool that hides its name",
--   "null_columns.userAgent: it looks for the tool's agent",
--   "scanners of the Internet that are refused: see denied_burst_from_public_address",
-- ]
-- triage = ["Was a test announced?", "Which identity did it use, and what was allowed?"]
-- references = ["https://attack.mitre.org/techniques/T1595/002/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(min(actor), '') as actor,
  coalesce(client_ip, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct user_agent)), ', ') as user_agents,
  array_to_string(array_sort(array_agg(distinct actor)), ' ') as actors,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri))))), ', '
  ) as requests,
  bool_or(outcome = 'allowed') as allowed
from activity
where regexp_like(
    lower(user_agent),
    '(^|[^a-z0-9])(kube-?hunter|kubehound|trufflehog|peirates|kdigger|kubeletctl|kubesploit|azurehound|access_matrix|'
    || 'rakkess|kubestriker|kubeaudit|botb|nuclei|masscan|zgrab|nmap|sqlmap|nikto)([^a-z0-9]|$)'
  )
  -- the Internet's scanners, who learn nothing
  and (
    actor_kind not in ('anonymous', 'unauthenticated')
    or is_public_ip(client_ip) is not true
    or (outcome = 'allowed' and not regexp_like(uri_path(request_uri), '^/(healthz|livez|readyz|version)(/|$)'))
  )
group by cluster, date, client_ip
