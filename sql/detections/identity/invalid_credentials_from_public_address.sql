-- title = "Invalid credentials tried from a public address"
-- status = "test"
-- severity = "low"
-- attack = ["TA0006/T1110", "TA0001/T1078"]
-- needs = "Metadata"
-- describe = "A public address tried again and again with credentials that the API server did not accept (401): guessed, expired, or revoked after a theft."
-- benign = ["A pipeline outside whose token has expired"]
-- blind = ["null_columns.sourceIPs: it counts by address"]
-- triage = ["Did valid requests come from the address before? Then whose?"]
-- references = ["https://attack.mitre.org/techniques/T1110/"]
-- params = { refusals = 5 }

with refused as (
  select *
  from sensitive
  where actor_kind = 'unauthenticated' and outcome = 'denied' and ip_class(client_ip) = 'public'
),
counted as (
  select
    *,
    count(*) over (
      partition by cluster, client_ip order by ts range between interval '10 minutes' preceding and current row
    ) as refusals
  from refused
),
marked as (
  select
    *,
    -- a request belongs to a burst if one of the windows that it falls into is full
    max(refusals) over (
      partition by cluster, client_ip order by ts range between current row and interval '10 minutes' following
    ) as most
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  '' as actor,
  client_ip as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri))))), ', '
  ) as requests,
  array_to_string(array_sort(array_agg(distinct user_agent)), ', ') as user_agents
from marked
where most >= $refusals
group by cluster, client_ip
