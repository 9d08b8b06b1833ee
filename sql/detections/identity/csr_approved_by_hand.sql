-- title = "Possible forging of a credential by approval of a certificate"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098",
--   "TA0006/T1649",
-- ]
-- needs = "Metadata"
-- resources = ["certificatesigningrequests"]
-- describe = "Someone other than the controllers approved a certificate signing request, or denied it. A certificate is a credential that cannot be revoked."
-- benign = [
--   "Administrators who join a node by hand",
--   "A program that approves the certificates of nodes: name it as operator",
-- ]
-- triage = [
--   "For which name and groups is the certificate?",
--   "Did the same identity make the request? Then see csr_self_approved",
-- ]

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
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'certificate' and subresource = 'approval' and outcome in ('allowed', 'unknown')
  and not in_identities('cluster_controllers', username)
  and not in_identities('eks_controllers', username)
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip, name
