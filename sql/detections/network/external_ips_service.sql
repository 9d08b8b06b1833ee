-- title = "Possible interception of traffic by an external IP"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1557",
--   "TA0009/T1557",
-- ]
-- needs = "Request"
-- resources = ["services"]
-- describe = "A service was written that claims external addresses, or the address of a load balancer was written by hand: nodes then send traffic for that address, whosever it is, to the service (CVE-2020-8554)."
-- benign = ["Clusters without a load balancer that use external IPs on purpose"]
-- blind = ["the address of a load balancer written with the token of a service account"]
-- triage = [
--   "Whose address is it?",
--   "What does the service do with the traffic?",
-- ]
-- references = [
--   "https://kubernetes.io/docs/concepts/services-networking/service/#external-ips",
--   "https://github.com/kubernetes/kubernetes/issues/97076",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct addresses)), ' ') as addresses,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    nullif(
      concat_ws(
        ' ',
        array_to_string(json_texts(json_written(request_object), 'spec', 'externalIPs'), ' '),
        case
          when subresource = 'status'
            then array_to_string(json_texts(json_written(request_object), 'status', 'loadBalancer', 'ingress', '*', 'ip'), ' ')
        end
      ), ''
    ) as addresses
  from (
    select
      cluster, date, ts, audit_id, actor, username, client_ip, user_agent, namespace, name, subresource, request_object
    from requests
    where resource = 'services' and verb in ('create', 'update', 'patch') and outcome in ('allowed', 'unknown')
  )
)
where addresses is not null
  -- who builds load balancers writes their address
  and (subresource = 'status' and starts_with(username, 'system:serviceaccount:')) is not true
  and not in_identities('eks_controllers', username)
  and not in_identities('aks_controllers', username)
  and not in_identities('gke_controllers', username)
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name
