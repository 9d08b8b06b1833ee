-- title = "Token taken from a pod by exec and used elsewhere"
-- status = "test"
-- severity = "critical"
-- attack = ["TA0002/T1609", "TA0006/T1528", "TA0008/T1550.001"]
-- needs = "Metadata"
-- describe = "Someone went into a pod, and within a day its service account's token, bound to that pod, came from an address that is neither the pod's nor its node's: the token was carried off."
-- benign = ["A pod with several network interfaces that somebody debugs"]
-- blind = [
--   "a thief on the pod's own node",
--   "a pod that never used its token itself",
--   "impersonation: another credential under the account's name is no copy of its token",
--   "tokens that are not bound to a pod",
--   "null_columns.sourceIPs: it compares addresses",
-- ]
-- triage = [
--   "Delete the pod: its token ends with it",
--   "What did the token read from there? Rotate it",
--   "Who holds the rights to exec, and was it they?",
-- ]
-- references = [
--   "https://attack.mitre.org/techniques/T1528/",
--   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
-- ]

with entries as (
  select cluster, ts, audit_id, actor, client_ip, pod, kind, command
  from pod_access
  where kind in ('exec', 'attach', 'ephemeralcontainers', 'node_exec', 'node_run', 'node_attach')
    and outcome in ('allowed', 'unknown') and pod is not null
),
nodes as (
  select distinct cluster, node_name, client_ip from addresses where actor_kind = 'node' and not impersonated
),
used as (
  select
    a.cluster,
    a.actor,
    a.service_account_namespace || '/' || a.pod_name as pod,
    -- pods of a StatefulSet come back under their name
    coalesce(a.pod_uid, '') as uid,
    a.client_ip,
    min(a.first_seen) as first_used,
    min(a.user_agent) as user_agent,
    bool_and(agent_class(coalesce(a.user_agent, '')) in ('cli', 'script')) as by_hand
  from addresses a
  left join nodes n on n.cluster = a.cluster and n.node_name = a.node_name and n.client_ip = a.client_ip
  where a.actor_kind = 'service_account' and not a.impersonated and a.pod_name is not null
    and a.client_ip is not null and n.client_ip is null
    and not in_networks('node_networks', a.client_ip)
  group by a.cluster, a.actor, a.service_account_namespace, a.pod_name, a.pod_uid, a.client_ip
),
homes as (
  -- the pod's own address: see token_foreign_address
  select
    cluster,
    actor,
    pod,
    uid,
    first_value(client_ip order by is_public_ip(client_ip), by_hand, first_used, client_ip) as home_ip
  from used
  group by cluster, actor, pod, uid
),
thefts as (
  select
    u.cluster, u.actor, u.pod, u.uid, u.client_ip, u.first_used, u.user_agent, h.home_ip,
    max(e.ts) as entered_at,
    first_value(e.audit_id order by e.ts desc, e.audit_id) as entry_id,
    first_value(e.actor order by e.ts desc, e.audit_id) as entered_by,
    first_value(e.kind order by e.ts desc, e.audit_id) as entered_with,
    first_value(e.command order by e.ts desc, e.audit_id) as command
  from used u
  join homes h on h.cluster = u.cluster and h.actor = u.actor and h.pod = u.pod and h.uid = u.uid
  join entries e on e.cluster = u.cluster and e.pod = u.pod
  where u.client_ip <> h.home_ip
    and e.ts <= u.first_used and u.first_used - e.ts <= interval '24 hours'
  group by u.cluster, u.actor, u.pod, u.uid, u.client_ip, u.first_used, u.user_agent, h.home_ip
)
select
  first_value(t.entry_id order by t.entered_at desc, t.entry_id) as audit_id,
  min(t.entered_at) as first_seen,
  max(a.ts) as last_seen,
  coalesce(min(t.entered_by), '?') as actor,
  t.actor || ' used from ' || t.client_ip as object,
  count(distinct a.audit_id) + 1 as events,
  t.cluster,
  array_concat(array_agg(distinct t.entry_id), array_agg(distinct a.audit_id)) as audit_ids,
  t.pod,
  min(t.entered_with) as entered_with,
  min(t.command) as command,
  t.home_ip,
  t.client_ip,
  min(t.user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', a.verb, coalesce(a.resource, '-')))), ', ') as requests
from thefts t
join activity a on a.cluster = t.cluster and a.actor = t.actor and a.client_ip = t.client_ip and a.ts >= t.first_used
group by t.cluster, t.actor, t.pod, t.client_ip, t.home_ip
