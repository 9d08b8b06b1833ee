-- title = "Objects of a namespace were opened to another"
-- status = "test"
-- severity = "low"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["referencegrants"]
-- describe = "A ReferenceGrant was written: gateways and routes of another namespace may use the secrets or services of this one without a right to read them."
-- benign = ["A shared gateway that takes certificates from the applications' namespaces"]
-- triage = [
--   "Does it name Secret, and one secret or all?",
--   "Whose is the other namespace?",
-- ]
-- references = ["https://gateway-api.sigs.k8s.io/api-types/referencegrant/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_distinct(flatten(array_agg(json_texts(written, 'spec', 'to', '*', 'kind'))))), ' ') as kinds,
  array_to_string(
    array_sort(array_distinct(flatten(array_agg(json_texts(written, 'spec', 'from', '*', 'namespace'))))), ' '
  ) as opened_to,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, json_written(request_object) as written
  from requests
  where resource = 'referencegrants' and verb in ('create', 'update', 'patch') and outcome in ('allowed', 'unknown')
)
where true
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name
