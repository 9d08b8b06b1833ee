select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(actor, 'system:anonymous') as actor,
  case
    when count(distinct request_uri) = 1 then min(request_uri)
    else count(distinct request_uri) || ' paths'
  end as object,
  count(*) as events,
  cluster,
  list(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(
    array_sort(list(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri))))), ', '
  ) as requests
from sensitive
where actor_kind = 'anonymous' and outcome in ('allowed', 'unknown')
  and (
    resource is not null
    or not regexp_matches(
      uri_path(request_uri), '^/(healthz|livez|readyz|version|apis?|openapi|\.well-known|oauth)(/|$)'
    )
  )
  and not (
    coalesce(resource, '') = 'configmaps' and coalesce(namespace, '') = 'kube-public'
    and coalesce(name, '') = 'cluster-info' and coalesce(verb, '') = 'get'
  )
group by cluster, date, actor, client_ip
