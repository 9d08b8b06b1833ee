-- title = "Client certificate asked for"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0003/T1098",
--   "TA0006/T1649",
-- ]
-- needs = "Metadata"
-- resources = ["certificatesigningrequests"]
-- describe = "A certificate signing request was made by someone who is not a kubelet."
-- benign = ["Joining a user or a component by hand"]
-- triage = ["Who approved it? A certificate cannot be revoked"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  min(json_get_str(request_object, 'spec', 'signerName')) as signer
from sensitive
where sensitivity = 'certificate' and verb = 'create' and outcome in ('allowed', 'unknown')
  and coalesce(username, '') not like 'system:node:%'
  and coalesce(username, '') not like 'system:bootstrap:%'
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, name
