-- title = "Possible lock-out: roles or bindings deleted in bulk"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0040/T1531",
--   "TA0005/T1070",
-- ]
-- needs = "Metadata"
-- resources = [
--   "clusterroles",
--   "roles",
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "One identity deleted many roles or bindings within ten minutes, or all of a namespace or of the cluster at once: people and programs lose their access, or traces of grants go."
-- benign = ["The removal of a large application"]
-- blind = ["one by one over hours"]
-- triage = [
--   "Who has lost access?",
--   "Were they written shortly before, to be used and removed?",
-- ]
-- params = { objects = 12 }

with deleted as (
  select
    *,
    resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '*') as target
  from sensitive
  -- by exclusion: an unknown method may delete too
  where sensitivity = 'rbac' and coalesce(verb, '') not in ('create', 'update', 'patch')
    and outcome in ('allowed', 'unknown')
    and not in_identities('cluster_controllers', username)
    and not (in_identities('operators', username) and in_identities('operators', actor))
),
counted as (
  select
    *,
    count(distinct target) over (
      partition by cluster, username order by ts
      range between interval '10 minutes' preceding and current row
    ) as objects_deleted
  from deleted
),
sweeps as (
  select
    *,
    -- a deletion belongs to a sweep if one of the windows that it falls into has enough objects
    max(objects_deleted) over (
      partition by cluster, username order by ts
      range between current row and interval '10 minutes' following
    ) as most_objects
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(username, '?') as actor,
  case
    when count(distinct target) = 1 then min(target)
    else count(distinct target) || ' roles and bindings'
  end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  max(most_objects) as objects_in_10_minutes,
  array_to_string(array_sort(array_agg(distinct target)), ' ') as targets,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent
from sweeps
where most_objects >= $objects or name is null
group by cluster, username
