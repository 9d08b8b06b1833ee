-- title = "Credentials put into a ConfigMap"
-- status = "test"
-- severity = "low"
-- attack = ["TA0006/T1552.001"]
-- needs = "Request"
-- resources = ["configmaps"]
-- describe = "A ConfigMap was written whose text assigns a password, a token or a cloud key: nothing protects ConfigMaps."
-- benign = ["Configuration that only names a password's file"]
-- triage = ["Move the value to a secret and rotate it"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, namespace || '/' || coalesce(name, '?') as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  client_ip, min(user_agent) as user_agent
from sensitive
where sensitivity = 'config' and resource = 'configmaps' and verb in ('create', 'update', 'patch')
  and outcome in ('allowed', 'unknown')
  and regexp_like(
    request_object,
    '(password|passphrase|passwd|aws_access_key_id|aws-access-key-id|aws_s3_access_key_id|aws-s3-access-key-id|secret_?key|api_?key|token)',
    'i'
  )
  and regexp_like(request_object, '(redacted hmac=|(password|passphrase|passwd|key_?-?id)[^a-z])', 'i')
  and actor_kind not in ('control_plane', 'node')
  and not in_identities('cluster_controllers', actor)
group by cluster, date, actor, client_ip, namespace, name
