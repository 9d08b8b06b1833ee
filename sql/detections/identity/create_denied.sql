-- title = "Creation refused"
-- status = "test"
-- severity = "low"
-- attack = ["TA0002/T1609", "TA0002/T1610", "TA0003/T1098"]
-- needs = "Metadata"
-- describe = "Someone tried to create something and was refused: by authorization or, where that had allowed it, by an admission policy or a quota."
-- benign = ["A pipeline whose role lacks a permission", "A policy or a quota that holds"]
-- triage = ["What else did the identity try?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  concat_ws('/', resource, subresource) as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct coalesce(namespace || '/', '') || coalesce(name, '*'))), ' ') as names,
  bool_or(coalesce(auth_decision, '') = 'allow') as refused_after_authorization,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where outcome = 'denied' and resource is not null and coalesce(verb, '') in ('create', '')
  and actor_kind not in ('anonymous', 'unauthenticated')
  -- roles have a detection of their own: rbac_change_denied
  and sensitivity <> 'rbac'
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, resource, subresource
