-- title = "Many refusals of one public address"
-- status = "test"
-- severity = "low"
-- attack = ["TA0043/T1595", "TA0007/T1613", "TA0006/T1110"]
-- needs = "Metadata"
-- describe = "Requests from one public address were refused ten times or more within half an hour, whoever they claimed to be."
-- benign = ["People behind one address who try what they may not", "Scanners of the Internet"]
-- blind = ["null_columns.sourceIPs: it counts by address"]
-- triage = ["Whose address is it? Name your own as trusted", "Was anything allowed from it?"]
-- params = { refusals = 10 }

with denied as (
  select *
  from sensitive
  where outcome = 'denied' and ip_class(client_ip) = 'public'
    and not in_identities('cluster_controllers', username)
),
counted as (
  select
    *,
    count(*) over (
      partition by cluster, client_ip order by ts range between interval '30 minutes' preceding and current row
    ) as refusals
  from denied
),
marked as (
  select
    *,
    -- a request belongs to a burst if one of the windows that it falls into is full
    max(refusals) over (
      partition by cluster, client_ip order by ts range between current row and interval '30 minutes' following
    ) as most
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  case
    when count(distinct username) > 1 then count(distinct username) || ' identities'
    else coalesce(min(username), '')
  end as actor,
  client_ip as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct username)), ' ') as usernames,
  array_to_string(
    array_sort(
      array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri)), subresource, namespace))
    ), ', '
  ) as requests,
  min(user_agent) as user_agent
from marked
where most >= $refusals
group by cluster, client_ip
