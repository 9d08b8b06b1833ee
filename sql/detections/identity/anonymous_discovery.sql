-- title = "API described to someone without a credential"
-- status = "test"
-- severity = "low"
-- attack = ["TA0007/T1613"]
-- needs = "Metadata"
-- describe = "The list of the API's resources, its description or metrics were given to someone without a credential. Kubernetes did that until 1.14; a binding may still allow it."
-- benign = ["A cluster that was made before Kubernetes 1.14", "OpenShift, whose login page needs it"]
-- triage = ["Is system:discovery bound to system:unauthenticated?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(actor, 'system:anonymous') as actor,
  coalesce(client_ip, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct uri_path(request_uri))), ' ') as paths,
  min(user_agent) as user_agent
from sensitive
where actor_kind = 'anonymous' and outcome in ('allowed', 'unknown') and resource is null
  -- what system:public-info-viewer shows to everybody is not sensitive: /healthz, /livez, /readyz and /version
  and regexp_like(uri_path(request_uri), '^/(apis?|openapi|swagger[^/]*|logs|metrics|debug)(/|$)')
group by cluster, date, actor, client_ip
