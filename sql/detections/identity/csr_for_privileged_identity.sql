-- title = "Certificate of a node or an administrator asked for"
-- status = "test"
-- severity = "high"
-- attack = ["TA0004/T1078", "TA0006/T1649"]
-- needs = "Request"
-- resources = ["certificatesigningrequests"]
-- describe = "Someone who is no node asked for a node's client certificate, or anyone for one in the group system:masters, which the API server refused."
-- benign = ["Joining a node with an administrator's credential"]
-- blind = [
--   "the names in a request that is not refused: they are in the request for the certificate, which is taken out of the lake",
-- ]
-- triage = ["Was it approved? See csr_approved_by_hand", "Does a node of that name exist?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(name, json_get_str(request_object, 'metadata', 'generateName') || '*', '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  min(json_get_str(request_object, 'spec', 'signerName')) as signer,
  array_to_string(array_sort(array_agg(distinct outcome)), ',') as outcomes,
  min(response_message) as answer,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'certificate' and resource = 'certificatesigningrequests' and subresource is null
  and coalesce(verb, 'create') = 'create'
  and (
    -- a node's name, for somebody who is not a node and does not become one
    (
      json_get_str(request_object, 'spec', 'signerName') = 'kubernetes.io/kube-apiserver-client-kubelet'
      and (impersonated_username is not null or starts_with(username, 'system:node:') is not true)
      and (
        impersonated_username is not null
        or (
          starts_with(username, 'system:bootstrap:') is not true
          and coalesce(array_has(groups, 'system:bootstrappers'), false) is not true
          and coalesce(array_has(groups, 'system:nodes'), false) is not true
        )
      )
      and not in_identities('cluster_controllers', username)
      and not in_identities('operators', username)
    )
    -- what the API server says to the wish for system:masters
    or (outcome in ('denied', 'failed') and response_message like '%system:masters%')
  )
group by
  cluster, date, actor, client_ip, coalesce(name, json_get_str(request_object, 'metadata', 'generateName') || '*', '?')
