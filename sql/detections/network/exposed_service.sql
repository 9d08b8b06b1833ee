-- title = "A service was opened to the outside"
-- status = "test"
-- severity = "low"
-- attack = ["TA0001/T1133"]
-- needs = "Request"
-- resources = ["services"]
-- describe = "A service of type NodePort or LoadBalancer was written: it answers outside the cluster."
-- benign = ["Ingress controllers and applications for the public"]
-- triage = ["What answers on the port, and from where can it be reached?"]
-- references = ["https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types"]

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
  min(array_to_string(json_texts(object, 'spec', 'ports', '*', 'port'), ' ')) as ports,
  min(array_to_string(json_texts(object, 'spec', 'loadBalancerSourceRanges'), ' ')) as source_ranges,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, json_written(request_object) as object
  from sensitive
  where resource = 'services' and sensitivity = 'config'
)
where outcome in ('allowed', 'unknown')
  and json_get_str(object, 'spec', 'type') in ('NodePort', 'LoadBalancer')
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace, name
