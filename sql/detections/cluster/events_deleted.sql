-- title = "Possible covering of tracks: events deleted"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0005/T1070"]
-- needs = "Metadata"
-- resources = ["events"]
-- describe = "Kubernetes events were deleted by hand; they expire by themselves."
-- benign = ["A namespace that is emptied"]
-- triage = ["What happened in the namespace in the hour before?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource = 'events' and verb in ('delete', 'deletecollection') and outcome <> 'denied'
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace
