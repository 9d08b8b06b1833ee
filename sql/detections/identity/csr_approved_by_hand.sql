-- title = "Certificate signing request approved by hand"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0003/T1098",
--   "TA0006/T1649",
-- ]
-- needs = "Metadata"
-- resources = ["certificatesigningrequests"]
-- describe = "Someone other than the controller approved a certificate signing request: a certificate is a credential that cannot be revoked."
-- benign = ["Administrators who join a node by hand"]
-- triage = [
--   "For which name and groups is the certificate?",
--   "Did the same identity make the request?",
-- ]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, coalesce(name, '?') as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids, client_ip, min(user_agent) as user_agent
from sensitive
where sensitivity = 'certificate' and subresource = 'approval' and outcome <> 'failed'
  and actor_kind <> 'control_plane'
 and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
group by cluster, date, actor, client_ip, name
