-- describe = "One row a request: the richest of its stages. Filters on ts, resource, verb, username and the other columns that all stages share reach the files."
-- reads = ["events"]

-- The stages of a request share an audit id, but the client chooses it: rows are one request only if everything else
-- that a request keeps from stage to stage is the same too, so that no request can hide another. actor, name and
-- outcome are not among it: impersonation, the body's name and the answer are known in later stages only.
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
  )
  window stages as (
    partition by ts, audit_id, cluster, date, request_uri, verb, username, resource, subresource, namespace, client_ip,
      user_agent, credential_id
    order by stage_rank desc, event_hash, source, line
  )
)
-- of the richest stage every different row stays, and exact duplicates collapse
where stage_rank = best_rank and (previous_hash is null or previous_hash <> event_hash)
