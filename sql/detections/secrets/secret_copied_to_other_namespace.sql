-- title = "A secret was copied into another namespace by hand"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0009/T1074",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Someone read a secret and within ten minutes created one of the same name in another namespace: where another circle of people and pods may read it."
-- benign = ["A pull secret or a certificate that several namespaces need"]
-- blind = [
--   "copies under another name, and those of whoever listed the namespace instead of reading by name",
--   "foreign_agent: controllers that spread secrets are told from a workload's token in other hands by the agent",
-- ]
-- triage = [
--   "Who can read it in the new namespace?",
--   "Was a pod made there that mounts it?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/secrets-good-practices/"]

with by_hand as (
  select *
  from secret_access
  where outcome in ('allowed', 'unknown') and namespace is not null
    and (actor_kind in ('human', 'anonymous') or agent_class(coalesce(user_agent, '')) in ('cli', 'script'))
    and not in_identities('cluster_controllers', username)
),
copies as (
  select
    *,
    coalesce(
      name, json_get_str(json_written(request_object), 'metadata', 'name'),
      json_get_str(response_object, 'metadata', 'name')
    ) as new_name
  from by_hand
  where verb in ('create', 'update', 'patch')
)
select
  first_value(c.audit_id order by c.ts, c.audit_id) as audit_id,
  min(r.ts) as first_seen,
  max(c.ts) as last_seen,
  c.actor,
  min(c.namespace || '/' || c.new_name) as object,
  count(distinct c.event_hash) as events,
  c.cluster,
  array_concat(array_agg(distinct r.audit_id), array_agg(distinct c.audit_id)) as audit_ids,
  array_to_string(array_sort(array_agg(distinct r.secret)), ' ') as copied_from,
  min(c.client_ip) as client_ip,
  min(c.user_agent) as user_agent,
  min(c.username) as username
from copies c
join by_hand r
  on r.cluster = c.cluster and (r.actor is not distinct from c.actor) and r.name = c.new_name
    and c.ts >= r.ts and c.ts <= r.ts + interval '10 minutes'
where r.reads and r.scope = 'named' and r.namespace <> c.namespace
group by c.cluster, c.date, c.actor, c.namespace, c.new_name
