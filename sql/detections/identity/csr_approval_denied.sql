-- title = "Approval of a certificate signing request refused"
-- status = "test"
-- severity = "low"
-- attack = ["TA0006/T1649", "TA0003/T1098"]
-- needs = "Metadata"
-- resources = ["certificatesigningrequests"]
-- describe = "Someone tried to approve a certificate signing request and was not allowed to."
-- benign = ["A program that approves the certificates of nodes and whose role lacks a signer"]
-- triage = ["Did the same identity make the request?", "What else did it try?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case
    when count(distinct name) > 1 then count(distinct name) || ' requests'
    else coalesce(min(name), '?')
  end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'certificate' and subresource = 'approval' and outcome = 'denied'
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip
