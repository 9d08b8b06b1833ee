select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  pod as object,
  count(*) as events,
  cluster,
  list(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(list_sort(list(distinct command)), ' | ') as commands,
  client_ip,
  min(user_agent) as user_agent
from pod_access
where outcome <> 'denied'
  and regexp_matches(
    command,
    '/run/secrets|/secrets/kubernetes\.io|/secrets/eks\.amazonaws\.com|/tokens/(azure|gcp)|azure-identity-token|gcp-ksa'
  )
group by cluster, date, actor, client_ip, pod
