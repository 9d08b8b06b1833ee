-- title = "Possible intrusion by an ephemeral container"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0004/T1611",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "A container was added to a running pod, in which it shares the network and, if asked for, the processes."
-- benign = ["kubectl debug by the owner of the pod"]
-- triage = [
--   "Which image was added?",
--   "Which secrets does the pod mount?",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  pod as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from pod_access
where kind = 'ephemeralcontainers' and outcome in ('allowed', 'unknown')
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, pod
