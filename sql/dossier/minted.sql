-- The tokens that the subject, or a credential in the list, had issued.
select
  cluster, cast(ts as bigint) as ts, audit_id, actor, username, client_ip, credential_id, issued_credential_id,
  namespace, name
from sensitive
-- no other answer holds a token
where resource = 'serviceaccounts' and subresource = 'token' and issued_credential_id is not null
  and outcome in ('allowed', 'unknown')
  and (($subject) or (credential_id in ($chain) and ts >= $since and ($all_clusters or cluster = $cluster)))
order by ts, audit_id, issued_credential_id
