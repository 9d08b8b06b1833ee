-- title = "Certificate signing request approved by who made it"
-- status = "test"
-- severity = "high"
-- attack = ["TA0003/T1098", "TA0004/T1078", "TA0006/T1649"]
-- needs = "Metadata"
-- resources = ["certificatesigningrequests"]
-- describe = "One identity asked for a certificate and approved it itself: a credential of its own making, under a name of its choice, that cannot be revoked."
-- benign = ["An administrator who gives himself or a component a certificate"]
-- blind = ["two identities that help each other: see csr_approved_by_hand"]
-- triage = [
--   "For which name and groups is the certificate? The log hides the request: look at the object while it is there",
--   "What was done with it? See certificate_then_use",
-- ]
-- references = [
--   "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/",
--   "https://attack.mitre.org/techniques/T1649/",
-- ]

with asked as (
  select
    cluster, ts, audit_id, username, actor, client_ip,
    unnest(make_array(username, case when actor <> username then actor end)) as who,
    coalesce(name, json_get_str(response_object, 'metadata', 'name')) as csr,
    json_get_str(request_object, 'spec', 'signerName') as signer
  from sensitive
  where sensitivity = 'certificate' and resource = 'certificatesigningrequests' and subresource is null
    and coalesce(verb, 'create') = 'create' and outcome in ('allowed', 'unknown')
),
approved as (
  select
    cluster, ts, audit_id, username, actor, client_ip, user_agent, name,
    unnest(make_array(username, case when actor <> username then actor end)) as who
  from sensitive
  where sensitivity = 'certificate' and subresource = 'approval' and outcome in ('allowed', 'unknown')
    and not in_identities('cluster_controllers', username)
)
select
  first_value(p.audit_id order by p.ts, p.audit_id) as audit_id,
  min(a.ts) as first_seen,
  max(p.ts) as last_seen,
  p.actor,
  coalesce(p.name, '?') as object,
  count(distinct a.audit_id) + count(distinct p.audit_id) as events,
  p.cluster,
  array_concat(array_agg(distinct a.audit_id), array_agg(distinct p.audit_id)) as audit_ids,
  min(a.signer) as signer,
  min(a.username) as asked_by,
  min(p.username) as approved_by,
  p.client_ip,
  min(p.user_agent) as user_agent
from approved p
join asked a on a.cluster = p.cluster and a.who = p.who
where a.ts <= p.ts and p.ts - a.ts <= interval '24 hours'
  -- a generated name is only in the answer, which few logs have: then the time must do
  and (a.csr = p.name or (a.csr is null and p.ts - a.ts <= interval '10 minutes'))
group by p.cluster, p.actor, p.client_ip, p.name
