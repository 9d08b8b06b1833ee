-- title = "Service account refused"
-- status = "test"
-- severity = "low"
-- attack = ["TA0007/T1613", "TA0001/T1078"]
-- needs = "Metadata"
-- describe = "A service account asked for what it may not have. A program that was set up right hardly ever does; a thief who tries its token does at once."
-- benign = ["A program whose role lacks a permission, which asks again and again"]
-- triage = ["Did it ask for the same before?", "Did it come from its pods' addresses? See token_foreign_address"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case
    when count(distinct resource) > 1 then count(distinct resource) || ' resources'
    else coalesce(min(resource), 'paths')
  end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(
    array_sort(
      array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri)), subresource, namespace))
    ), ', '
  ) as requests,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent
from sensitive
where outcome = 'denied' and (actor_kind = 'service_account' or starts_with(username, 'system:serviceaccount:'))
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor
