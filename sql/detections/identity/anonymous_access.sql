-- title = "Anonymous request answered"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0001/T1078.001",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- describe = "The API server answered someone without any credential, on more than health, version, API discovery and login pages. What was taken or changed is told apart by anonymous_credential_access and anonymous_write."
-- benign = ["A cluster that publishes something on purpose"]
-- blind = ["API discovery: see anonymous_discovery"]
-- triage = ["Which binding gives rights to system:anonymous or system:unauthenticated?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(actor, 'system:anonymous') as actor,
  case
    when count(distinct request_uri) = 1 then min(request_uri)
    else count(distinct request_uri) || ' paths'
  end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(
    array_sort(
      array_agg(
        distinct case
          when sensitivity in ('secret', 'exec', 'node_proxy', 'token', 'certificate') then 'credential access'
          when sensitivity = 'review' then 'discovery'
          when coalesce(verb, '') in ('get', 'list', 'watch', 'head', 'options') then 'discovery'
          when resource = 'events' or (sensitivity = 'admission' and starts_with(verb, 'delete')) then 'stealth'
          when starts_with(verb, 'delete') then 'impact'
          else 'persistence'
        end
      )
    ), ', '
  ) as tactics,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri))))), ', '
  ) as requests
from sensitive
where actor_kind = 'anonymous' and outcome in ('allowed', 'unknown')
  and (
    resource is not null
    or not regexp_like(uri_path(request_uri), '^/(healthz|livez|readyz|version|apis?|openapi|\.well-known|oauth)(/|$)')
  )
  -- kubeadm join reads this one before it has a credential
  and not (
    coalesce(resource, '') = 'configmaps' and coalesce(namespace, '') = 'kube-public'
    and coalesce(name, '') = 'cluster-info' and coalesce(verb, '') = 'get'
  )
group by cluster, date, actor, client_ip
