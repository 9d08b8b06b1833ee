-- title = "Anonymous request answered"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0001/T1078.001",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- describe = "The API server answered someone without any credential, on more than health and version."
-- benign = ["A cluster that publishes something on purpose"]
-- triage = ["Which binding gives rights to system:anonymous or system:unauthenticated?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, coalesce(actor, 'system:anonymous') as actor,
  case when count(distinct request_uri) = 1 then min(request_uri) else count(distinct request_uri) || ' paths' end as object,
  count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids, client_ip, min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct verb || ' ' || coalesce(resource, request_uri))), ', ') as requests
from sensitive
where actor_kind = 'anonymous' and outcome in ('allowed', 'unknown')
  and (
    resource is not null
    or not regexp_like(uri_path(request_uri), '^/(healthz|livez|readyz|version|apis?|openapi|\.well-known|oauth)(/|$)')
  )
  -- kubeadm join reads this one before it has a credential
  and not (resource = 'configmaps' and namespace = 'kube-public' and name = 'cluster-info' and verb = 'get')
group by cluster, date, actor, client_ip
