-- title = "Credentials put into a ConfigMap"
-- status = "test"
-- severity = "low"
-- attack = ["TA0006/T1552.001"]
-- needs = "Request"
-- resources = ["configmaps"]
-- describe = "A ConfigMap was written whose text assigns a password, a token or a cloud key. ConfigMaps are not protected as Secrets are: most roles may read them."
-- benign = ["Configuration that only names a password's file"]
-- triage = ["Move the value to a secret and rotate it"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'config' and resource = 'configmaps' and verb in ('create', 'update', 'patch')
  and outcome in ('allowed', 'unknown')
  and regexp_like(
    request_object,
    '(password|passphrase|passwd|aws[_-](s3[_-])?access[_-]key[_-]id|secret_?key|secret["\\ ]*[=:]|api_?key|token)',
    'i'
  )
  -- the parser has taken out what it knew for a value; what is too short for it is found by the name
  and regexp_like(request_object, '(redacted hmac=|(password|passphrase|passwd|key[_-]?id)[^a-z])', 'i')
  and coalesce(username, '') not like 'system:node:%'
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace, name
