-- title = "Possible weakening of a namespace's pod security"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0005/T1562"]
-- needs = "Request"
-- resources = ["namespaces"]
-- describe = "The pod security labels of a namespace were set to privileged, or removed."
-- benign = ["A namespace for node agents"]
-- triage = ["Which pods were started there since?"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, coalesce(name, '?') as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids, client_ip, min(user_agent) as user_agent
from sensitive
where resource = 'namespaces' and verb in ('update', 'patch') and outcome in ('allowed', 'unknown')
  and regexp_like(request_object, 'pod-security\.kubernetes\.io/(enforce|audit|warn)"? *: *("privileged"|null)|"path" *: *"/metadata/labels/pod-security\.kubernetes\.io~1enforce"')
  and actor_kind not in ('control_plane', 'node')
  and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
group by cluster, date, actor, client_ip, name
