-- title = "Possible opening of the network: a policy was removed or emptied"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0005/T1562.004"]
-- needs = "Metadata"
-- resources = ["networkpolicies"]
-- describe = "A network policy was deleted, or written so that it lets everything pass."
-- benign = [
--   "A release that replaces policies: name the pipeline as an operator",
--   "Policies that open egress on purpose",
-- ]
-- blind = [
--   "a policy that selects other pods than before",
--   "rules of custom resources",
-- ]
-- triage = [
--   "Which pods are open now?",
--   "Who talked to them since?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/services-networking/network-policies/"]

with changes as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, resource, namespace, name, outcome,
    verb as change
  from activity
  where resource in (
      'networkpolicies', 'adminnetworkpolicies', 'baselineadminnetworkpolicies', 'clusternetworkpolicies',
      'ciliumnetworkpolicies', 'ciliumclusterwidenetworkpolicies', 'globalnetworkpolicies', 'networksets',
      'authorizationpolicies', 'peerauthentications', 'egressfirewalls'
    )
    and verb in ('delete', 'deletecollection') and subresource is null
  union all
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, resource, namespace, name, outcome,
    'lets all pass' as change
  from sensitive
  where resource = 'networkpolicies' and sensitivity = 'config' and verb in ('create', 'update', 'patch')
    and (
      array_has(json_texts(json_written(request_object), 'spec', 'ingress'), '{}')
      or array_has(json_texts(json_written(request_object), 'spec', 'egress'), '{}')
      or array_has(
        json_texts(json_written(request_object), 'spec', 'ingress', '*', 'from', '*', 'ipBlock', 'cidr'), '0.0.0.0/0'
      )
    )
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '*') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct change)), ', ') as changes,
  client_ip,
  min(user_agent) as user_agent
from changes
where outcome in ('allowed', 'unknown')
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, namespace, name
