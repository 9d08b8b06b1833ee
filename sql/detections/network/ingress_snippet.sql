-- title = "Possible code in the ingress controller by an annotation"
-- status = "experimental"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0002/T1059",
-- ]
-- needs = "Request"
-- resources = ["ingresses"]
-- describe = "An Ingress carries configuration for the proxy in an annotation that reads files, runs code or breaks out of its place. The controller's service account often reads every secret (CVE-2021-25742, CVE-2025-1974)."
-- benign = ["Snippets with Lua or static files in front of an application"]
-- blind = [
--   "a request sent to the controller's own webhook, which the API server does not see",
--   "directives that this list does not have",
-- ]
-- triage = [
--   "Which directive, and who may write Ingresses there?",
--   "What did the controller's account read since?",
-- ]
-- references = [
--   "https://github.com/kubernetes/kubernetes/issues/126811",
--   "https://github.com/kubernetes/kubernetes/issues/131009",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct substr(suspect, 1, 300))), ' | ') as annotations,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    unnest(json_texts(json_written(request_object), 'metadata', 'annotations', '*')) as suspect
  from sensitive
  where resource = 'ingresses' and sensitivity = 'config' and verb in ('create', 'update', 'patch')
)
where outcome in ('allowed', 'unknown')
  and (
    regexp_like(
      suspect,
      '(content|access|rewrite|init|log|balancer|header_filter|body_filter|set|ssl_certificate|ssl_session_[a-z]+)_by_lua'
      || '|serviceaccount|/var/run/secrets|/run/secrets|/etc/(passwd|shadow|kubernetes|nginx)|load_module|ssl_engine'
      || '|js_(import|content|include)|perl(_set|_modules| )|(^|[;{}\s])(alias|root)\s+/|client_body_in_file_only'
      || '|include\s+/|proxy_pass\s+https?://(169\.254\.169\.254|kubernetes\.default|127\.0\.0\.1)'
    )
    -- directives after the end of a value that takes none, as in auth-url
    or regexp_like(
      request_object,
      'ingress\.kubernetes\.io(/|~1)(auth-url|auth-tls-match-cn|mirror-target|mirror-host|rewrite-target|auth-signin'
      || '|permanent-redirect|limit-rate)"( *: *|[^{}]*"value" *: *)"([^"\\]|\\.)*(\\n|;)'
    )
  )
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name
