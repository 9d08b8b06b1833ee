with denied as (
  select
    *,
    case when actor_kind in ('anonymous', 'unauthenticated') then client_ip else actor end as who,
    case when scope = 'cluster' then '*' else coalesce(namespace, '*') end as place
  from secret_access
  where outcome = 'denied' and not is_controller(username)
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
    max(places) over (
      partition by cluster, actor_kind, who order by ts
      range between current row and interval '15 minutes' following
    ) as most_places
  from counted
)
select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  min(actor) as actor,
  'secrets in ' || max(most_places) || ' places' as object,
  count(*) as events,
  cluster,
  list(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(list_sort(list(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent,
  array_to_string(list_sort(list(distinct place)), ' ') as namespaces
from probes
where most_places >= 3
group by cluster, actor_kind, who
