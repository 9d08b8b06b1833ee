-- title = "Component's identity used by hand"
-- status = "test"
-- severity = "high"
-- attack = ["TA0004/T1078", "TA0006/T1649"]
-- needs = "Metadata"
-- describe = "A credential of the control plane or of a node did something sensitive with a command line tool or a script, or from a public address that no node uses."
-- benign = ["An administrator who debugs a node with the kubelet's own configuration"]
-- blind = [
--   "foreign_agent: a thief who copies the component's user agent and works from inside",
--   "impersonation: see powerful_identity_impersonated",
--   "null_columns.sourceIPs: it compares addresses",
-- ]
-- triage = ["Which certificate was it, by credential id?", "On which machine does its key lie?"]

with node_addresses as (
  select cluster, actor, client_ip, sum(events) as events
  from addresses
  where actor_kind = 'node' and not impersonated and agent_class(user_agent) = 'component'
  group by cluster, actor, client_ip
),
nodes as (
  -- where a node mostly speaks from, or several do; that it was seen somewhere once may be the thief
  select cluster, first_value(client_ip order by is_public_ip(client_ip), events desc, client_ip) as client_ip
  from node_addresses
  group by cluster, actor
  union
  select cluster, client_ip from node_addresses group by cluster, client_ip having count(*) >= 2
)
select
  first_value(s.audit_id order by s.ts, s.audit_id) as audit_id,
  min(s.ts) as first_seen,
  max(s.ts) as last_seen,
  s.actor,
  coalesce(s.client_ip, '?') as object,
  count(*) as events,
  s.cluster,
  array_agg(distinct s.audit_id) as audit_ids,
  s.client_ip,
  min(s.user_agent) as user_agent,
  min(s.credential_id) as credential_id,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', s.verb, coalesce(s.resource, '-')))), ', ') as requests
from sensitive s
left join nodes n on n.cluster = s.cluster and n.client_ip = s.client_ip
where s.actor_kind in ('control_plane', 'node') and s.impersonated_username is null
  and (
    agent_class(coalesce(s.user_agent, '')) in ('cli', 'script')
    or (is_public_ip(s.client_ip) and n.client_ip is null)
  )
group by s.cluster, s.date, s.actor, s.client_ip
