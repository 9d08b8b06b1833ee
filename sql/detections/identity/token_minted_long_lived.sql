-- title = "Possible lasting access by a long-lived token"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0003/T1098", "TA0006/T1528"]
-- needs = "Request"
-- resources = ["serviceaccounts"]
-- describe = "A token of a service account was made that lives for more than a day. It cannot be revoked but by deleting the account, or the object that it is bound to."
-- benign = ["A pipeline or a dashboard that is given a token by hand"]
-- blind = ["API servers that log token requests without bodies: see token_minted"]
-- triage = ["Who holds the token now?", "Could it be a bound token that is renewed?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/"]
-- params = { seconds = 86400 }

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '?') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  max(asked) as seconds,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct issued_credential_id)), ' ') as issued_credential_ids
from (
  select
    *,
    -- the answer says what was granted, which may be less
    coalesce(
      json_get_int(response_object, 'spec', 'expirationSeconds'),
      json_get_int(request_object, 'spec', 'expirationSeconds')
    ) as asked
  from sensitive
  where sensitivity = 'token' and coalesce(verb, 'create') = 'create' and outcome in ('allowed', 'unknown')
    and starts_with(username, 'system:node:') is not true
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
)
where asked > $seconds
group by cluster, date, actor, client_ip, namespace, name
