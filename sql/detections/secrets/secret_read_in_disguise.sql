-- title = "Possible disguise: secrets read in an unusual way"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0005/T1036",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Secrets were asked for by a method that no client library uses, on the old path /api/v1/watch, or by the rehearsal of a deletion, which answers with what it would delete: ways around detections that look for get and list."
-- benign = ["Programs from before Kubernetes 1.11"]
-- blind = [
--   "patch and update with dryRun, which kubectl diff sends as well: see secret_changed_by_hand",
-- ]
-- triage = ["What program does that, and why?"]
-- references = ["https://kubernetes.io/docs/reference/using-api/api-concepts/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  username,
  array_to_string(array_sort(array_agg(distinct coalesce(verb, ''))), ',') as verbs,
  min(request_uri) as request_uri
from secret_access
where outcome in ('allowed', 'unknown')
  and (
    coalesce(verb, '') not in ('get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection')
    or starts_with(coalesce(uri_path(request_uri), ''), '/api/v1/watch/')
    or (coalesce(verb, '') in ('delete', 'deletecollection') and uri_query(request_uri, 'dryRun') is not null)
  )
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, username, client_ip
