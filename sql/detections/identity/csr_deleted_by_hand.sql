-- title = "Certificate signing requests deleted by hand"
-- status = "test"
-- severity = "low"
-- attack = ["TA0005/T1070"]
-- needs = "Metadata"
-- resources = ["certificatesigningrequests"]
-- describe = "Someone other than the controllers deleted certificate signing requests, which they remove by themselves after an hour or a day. The certificate stays valid, the trace of it goes."
-- benign = ["Tidying up after a failed join"]
-- triage = ["Had it been approved, and by whom? See csr_approved_by_hand"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case
    when count(distinct name) > 1 then count(distinct name) || ' requests'
    else coalesce(min(name), '*')
  end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct name)), ' ') as names,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'certificate' and resource = 'certificatesigningrequests'
  and coalesce(verb, 'delete') in ('delete', 'deletecollection', '') and outcome in ('allowed', 'unknown')
  and not in_identities('cluster_controllers', username)
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip
