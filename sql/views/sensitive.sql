-- describe = "The requests whose sensitivity is not other: what detections read. Computed once and kept."
-- reads = ["events"]
-- materialise = true

-- As in requests, with the filter below the window; rows without sensitivity cannot be the richest stage of a request
-- with it.
select * except (stage_rank, best_rank, previous_hash)
from (
  select
    *,
    first_value(stage_rank) over stages as best_rank,
    lag(event_hash) over stages as previous_hash
  from (
    select
      *,
      case stage when 'ResponseComplete' then 4 when 'Panic' then 3 when 'ResponseStarted' then 2 else 1 end as stage_rank
    from events
    where sensitivity <> 'other'
  )
  window stages as (
    partition by ts, audit_id, cluster, date, request_uri, verb, username, resource, subresource, namespace, client_ip,
      user_agent, credential_id
    order by stage_rank desc, event_hash, source, line
  )
)
where stage_rank = best_rank and (previous_hash is null or previous_hash <> event_hash)
