-- title = "Possible hiding: the body of a sensitive change is missing"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0005/T1562"]
-- needs = "Metadata"
-- describe = "The API server dropped the bodies of a change of workloads, roles or webhooks since the event was too large; who knows the limit can pad a request."
-- benign = ["Very large objects of operators"]
-- blind = ["null_columns.annotations: the mark of a body left out is an annotation"]
-- triage = ["Look at the object itself in the cluster"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where truncated and sensitivity in ('workload', 'rbac', 'admission', 'certificate') and outcome <> 'denied'
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, resource, namespace, name
