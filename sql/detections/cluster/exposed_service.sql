-- title = "A service was exposed on nodes or foreign addresses"
-- status = "test"
-- severity = "low"
-- attack = ["TA0001/T1133"]
-- needs = "Request"
-- resources = ["services"]
-- describe = "A service of type NodePort, or with external IPs, was written; external IPs can take over traffic to any address."
-- benign = ["Load balancers that are built on node ports"]
-- triage = ["What answers on the port?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  min(json_get_str(object, 'spec', 'type')) as type,
  min(array_to_string(json_texts(object, 'spec', 'externalIPs'), ' ')) as external_ips,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, json_written(request_object) as object
  from sensitive
  where resource = 'services' and sensitivity = 'config'
)
where outcome in ('allowed', 'unknown')
  and (
    json_get_str(object, 'spec', 'type') = 'NodePort'
    or array_length(json_texts(object, 'spec', 'externalIPs')) > 0
  )
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace, name
