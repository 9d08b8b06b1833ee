-- title = "Many refusals in a short time"
-- status = "test"
-- severity = "low"
-- attack = ["TA0007/T1613", "TA0006/T1110"]
-- needs = "Metadata"
-- describe = "One identity, or one address where no identity is known, was refused many times within ten minutes."
-- benign = ["A program with an expired credential or a role that lacks something"]
-- triage = ["Is it always the same request, or many different ones?", "What was allowed in the same minutes?"]
-- params = { refusals = 20 }

with denied as (
  select
    *,
    -- nobody is named in a 401, and everybody is called the same without a credential
    case when actor_kind in ('anonymous', 'unauthenticated') then coalesce(client_ip, '?') else username end as who
  from sensitive
  where outcome = 'denied' and not in_identities('cluster_controllers', username)
),
counted as (
  select
    *,
    count(*) over (
      partition by cluster, who order by ts range between interval '10 minutes' preceding and current row
    ) as refusals
  from denied
),
marked as (
  select
    *,
    -- a request belongs to a burst if one of the windows that it falls into is full
    max(refusals) over (
      partition by cluster, who order by ts range between current row and interval '10 minutes' following
    ) as most
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(min(actor), '') as actor,
  case
    when count(distinct resource) > 1 then count(distinct resource) || ' resources'
    else coalesce(min(resource), 'paths')
  end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(
    array_sort(
      array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri)), subresource, namespace))
    ), ', '
  ) as requests,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent
from marked
where most >= $refusals
group by cluster, who
