-- title = "Cloud credentials asked for from inside a pod"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1552.005",
--   "TA0004/T1078.004",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec names the metadata service of the cloud, in any of its spellings: it hands the node's or the pod's cloud identity to whoever asks."
-- benign = ["Debugging of workload identity by its owner"]
-- blind = [
--   "a shell in which the command is typed: the log shows the shell only",
--   "a name of the attacker's own that resolves to the metadata service",
-- ]
-- triage = [
--   "What may the cloud identity of the node do?",
--   "Look for its use from elsewhere in the log of the cloud",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1552/005/"]

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
  bool_or(
    regexp_like(plain, 'security-credentials|/token|service-accounts/|user-data|169\.254\.170|credentials')
  ) as asks_for_credentials,
  client_ip,
  min(user_agent) as user_agent
from pod_commands
where outcome <> 'denied'
  and regexp_like(
    plain,
    -- IPv4 in dots, as one number, in hexadecimal, in octal, and inside IPv6; the addresses of AWS, of its containers
    -- and pods, of Azure's WireServer and of Alibaba
    '169\.254\.(169\.254|170\.(2|23))([^0-9]|$)|2852039166|0xa9fea9fe|0xa9\.0xfe\.|0251\.0*376\.|025177524776'
    || '|a9fe:a9fe|fd00:ec2::(254|23)|168\.63\.129\.16|100\.100\.100\.200'
    || '|metadata\.google|metadata/computemetadata|computemetadata/v1|//metadata(/|$| )|instance-data\.'
    || '|latest/(meta-data|user-data|dynamic/|api/token)|metadata/(instance|identity|attested)|/opc/v[12]/'
    || '|aws_container_credentials|aws_web_identity'
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
