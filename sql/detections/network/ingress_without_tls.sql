-- title = "An ingress without TLS was written"
-- status = "test"
-- severity = "info"
-- attack = ["TA0006/T1557"]
-- needs = "Request"
-- resources = ["ingresses"]
-- describe = "An Ingress without a tls part was created: what is sent to it may be read on the way."
-- benign = ["TLS that ends at a load balancer before the cluster"]
-- blind = ["a patch that removes tls"]
-- triage = ["Who ends TLS for the host?"]
-- references = ["https://kubernetes.io/docs/concepts/services-networking/ingress/#tls"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_distinct(flatten(array_agg(json_texts(object, 'spec', 'rules', '*', 'host'))))), ' ') as hosts,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, coalesce(response_object, json_written(request_object)) as object
  from sensitive
  where resource = 'ingresses' and sensitivity = 'config' and verb in ('create', 'update')
)
where object is not null and coalesce(array_length(json_texts(object, 'spec', 'tls')), 0) = 0 and outcome in ('allowed', 'unknown')
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace, name
