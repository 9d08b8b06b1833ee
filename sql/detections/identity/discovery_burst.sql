-- title = "Many kinds of resources looked at in a minute"
-- status = "test"
-- severity = "low"
-- attack = ["TA0007/T1613", "TA0007/T1087"]
-- needs = "Metadata"
-- describe = "One identity read many of the kinds of resources that tell how a cluster is built, and who may do what, within a minute."
-- benign = ["k9s, Lens and other consoles", "Scripts that back up or compare a cluster"]
-- blind = ["foreign_agent: a service account under a program's agent"]
-- triage = ["Was it done by hand, and is the identity new here?", "What was read next? See secret_sweep"]
-- references = ["https://attack.mitre.org/techniques/T1613/"]
-- params = { kinds = 5 }

with reads as (
  -- the stages of a request are alike; and few rows of their own take less memory than slices of the log
  select distinct cluster, date, ts, audit_id, actor, username, client_ip, user_agent, verb, resource, namespace
  from activity
  where resource in (
      'namespaces', 'nodes', 'pods', 'roles', 'configmaps', 'serviceaccounts', 'clusterroles', 'rolebindings',
      'clusterrolebindings', 'secrets'
    )
    and subresource is null and verb in ('get', 'list', 'watch')
    -- a person, or a service account in a person's hands: programs read much when they start
    and (
      actor_kind = 'human'
      or (actor_kind = 'service_account' and coalesce(agent_class(user_agent), 'script') in ('cli', 'script'))
    )
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
),
counted as (
  select
    *,
    count(distinct resource) over (
      partition by cluster, username, client_ip order by ts range between interval '1 minute' preceding and current row
    ) as kinds
  from reads
),
marked as (
  select
    *,
    -- a request belongs to a burst if one of the windows that it falls into is full
    max(kinds) over (
      partition by cluster, username, client_ip order by ts range between current row and interval '1 minute' following
    ) as most
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  min(actor) as actor,
  max(most) || ' kinds of resources' as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', verb, resource, namespace))), ', ') as requests,
  client_ip,
  min(user_agent) as user_agent
from marked
where most >= $kinds
group by cluster, date, username, client_ip
