-- title = "Certificate in another name, asked for and used from one place"
-- status = "test"
-- severity = "critical"
-- attack = ["TA0006/T1649", "TA0003/T1098", "TA0004/T1078"]
-- needs = "Metadata"
-- resources = ["certificatesigningrequests"]
-- describe = "A certificate was asked for and approved by hand; after that a new certificate of another name came from the same address. It works until it expires, whatever becomes of the account that asked for it."
-- benign = ["An administrator who makes a colleague's certificate and tries it"]
-- blind = [
--   "a certificate that is used from elsewhere: see csr_self_approved",
--   "impersonation: another credential under the name is not the certificate",
--   "null_columns.sourceIPs: it compares addresses",
--   "clusters before Kubernetes 1.32, which do not log the certificate's fingerprint",
-- ]
-- triage = [
--   "What did the new name read?",
--   "A certificate cannot be revoked: take the rights of its name and groups, or change the CA",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/"]

with asked as (
  select
    cluster, ts, audit_id, username, actor, client_ip,
    coalesce(name, json_get_str(response_object, 'metadata', 'name')) as csr
  from sensitive
  where sensitivity = 'certificate' and resource = 'certificatesigningrequests' and subresource is null
    and coalesce(verb, 'create') = 'create' and outcome in ('allowed', 'unknown')
    and starts_with(username, 'system:node:') is not true and starts_with(username, 'system:bootstrap:') is not true
    and not in_identities('cluster_controllers', username)
),
approved as (
  select cluster, ts, audit_id, username, client_ip, name
  from sensitive
  where sensitivity = 'certificate' and subresource = 'approval' and outcome in ('allowed', 'unknown')
    and not in_identities('cluster_controllers', username)
),
certificates as (
  select
    cluster, actor, credential_id, client_ip,
    min(first_seen) over (partition by cluster, credential_id) as first_used
  from addresses
  where starts_with(credential_id, 'X509SHA256=') and not impersonated
),
issued as (
  select
    p.cluster, p.ts as approved_at, p.audit_id as approval_id, p.username as approved_by, p.name as csr,
    q.audit_id as asked_id, q.ts as asked_at, q.username as asked_by, c.actor, c.credential_id, c.client_ip
  from approved p
  join asked q on q.cluster = p.cluster and q.ts <= p.ts and p.ts - q.ts <= interval '24 hours'
    and (q.csr = p.name or (q.csr is null and p.ts - q.ts <= interval '10 minutes'))
  join certificates c on c.cluster = p.cluster and c.client_ip in (p.client_ip, q.client_ip)
  where c.first_used > p.ts and c.first_used - p.ts <= interval '24 hours'
    -- a certificate for one's own name is no disguise
    and (c.actor is distinct from q.username) and (c.actor is distinct from q.actor)
)
select
  first_value(i.approval_id order by i.approved_at, i.approval_id) as audit_id,
  min(i.asked_at) as first_seen,
  max(a.ts) as last_seen,
  i.asked_by as actor,
  i.actor as object,
  count(distinct a.audit_id) as events,
  i.cluster,
  array_concat(
    array_agg(distinct i.asked_id), array_agg(distinct i.approval_id), array_agg(distinct a.audit_id)
  ) as audit_ids,
  min(i.csr) as csr,
  min(i.approved_by) as approved_by,
  i.credential_id,
  i.client_ip,
  min(a.user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', a.verb, coalesce(a.resource, '-')))), ', ') as requests
from issued i
join activity a on a.cluster = i.cluster and a.credential_id = i.credential_id and a.client_ip = i.client_ip
group by i.cluster, i.asked_by, i.actor, i.credential_id, i.client_ip
