-- title = "Possible probing for readable secrets"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0007/T1613",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Refused requests for secrets in several namespaces, or for the whole cluster, by one identity within 15 minutes, or by one address where no identity is known."
-- benign = ["A misconfigured operator that tries every namespace"]
-- triage = [
--   "What did the identity read that was allowed?",
--   "Is the address a pod of its own?",
-- ]
-- params = { places = 3 }

with denied as (
  select
    *,
    -- nobody is named in a 401, and everybody is called the same without a credential
    case when actor_kind in ('anonymous', 'unauthenticated') then client_ip else actor end as who,
    case when scope = 'cluster' then '*' else coalesce(namespace, '*') end as place
  from secret_access
  where outcome = 'denied' and not in_identities('cluster_controllers', username)
),
counted as (
  select
    *,
    count(distinct place) over (
      partition by cluster, actor_kind, who order by ts
      range between interval '15 minutes' preceding and current row
    ) as places
  from denied
),
probes as (
  select
    *,
    -- a request belongs to a probe if one of the windows that it falls into has enough places
    max(places) over (
      partition by cluster, actor_kind, who order by ts
      range between current row and interval '15 minutes' following
    ) as most_places
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  min(actor) as actor,
  'secrets in ' || max(most_places) || ' places' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct place)), ' ') as namespaces
from probes
where most_places >= $places
group by cluster, actor_kind, who
