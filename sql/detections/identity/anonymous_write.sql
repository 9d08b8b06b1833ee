-- title = "Cluster changed without any credential"
-- status = "test"
-- severity = "critical"
-- attack = ["TA0003/T1078.001", "TA0002/T1609", "TA0040/T1485"]
-- needs = "Metadata"
-- describe = "The API server let someone without a credential create, change or delete something."
-- triage = [
--   "Which binding gives rights to system:anonymous or system:unauthenticated? Remove it first",
--   "What was made, and does it still run?",
-- ]
-- references = [
--   "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests",
--   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
-- ]

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
  array_to_string(
    array_sort(
      array_agg(
        distinct case
          when sensitivity in ('secret', 'exec', 'node_proxy', 'token', 'certificate') then 'credential access'
          when resource = 'events' or (sensitivity = 'admission' and starts_with(verb, 'delete')) then 'stealth'
          when starts_with(verb, 'delete') or sensitivity = 'workload' and verb <> 'create' then 'impact'
          when resource = 'pods' then 'execution'
          else 'persistence'
        end
      )
    ), ', '
  ) as tactics,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', verb, resource, subresource))), ', ') as requests,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where actor_kind = 'anonymous' and outcome in ('allowed', 'unknown') and resource is not null
  and coalesce(verb, '') not in ('get', 'list', 'watch', 'head', 'options')
  -- questions, which change nothing
  and sensitivity <> 'review'
  and coalesce(resource, '') not in ('subjectaccessreviews', 'localsubjectaccessreviews', 'tokenreviews')
group by cluster, date, actor, client_ip
