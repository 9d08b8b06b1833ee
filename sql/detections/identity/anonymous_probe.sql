-- title = "Possible reconnaissance without a credential"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0007/T1613",
--   "TA0043/T1595",
-- ]
-- needs = "Metadata"
-- describe = "One address asked for several things without a credential within a days time, and was refused several times."
-- benign = ["A scanner of your own"]
-- blind = ["clusters that refuse anonymous requests at once, with a 401: see invalid_token_probe"]
-- triage = ["Is the address a pod? Then who runs commands in it?"]
-- params = { paths = 3 }

with asked as (
  select
    *,
    count(distinct uri_path(request_uri)) over (
      partition by cluster, client_ip order by ts range between interval '24 hours' preceding and current row
    ) as paths,
    count(*) filter (where outcome = 'denied') over (
      partition by cluster, client_ip order by ts range between interval '24 hours' preceding and current row
    ) as refusals
  from sensitive
  where actor_kind = 'anonymous'
),
probes as (
  select cluster, client_ip, min(ts) - interval '24 hours' as since, max(ts) + interval '24 hours' as until
  from asked
  where paths >= $paths and refusals >= $paths
  group by cluster, client_ip
)
select
  first_value(a.audit_id order by a.ts, a.audit_id) as audit_id,
  min(a.ts) as first_seen,
  max(a.ts) as last_seen,
  'system:anonymous' as actor,
  coalesce(p.client_ip, '?') as object,
  count(distinct a.audit_id) as events,
  p.cluster,
  array_agg(distinct a.audit_id) as audit_ids,
  min(a.user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', a.verb, coalesce(a.resource, '-')))), ', ') as requests
from probes p
join activity a on a.cluster = p.cluster and (a.client_ip is not distinct from p.client_ip)
where a.actor_kind = 'anonymous' and a.ts >= p.since and a.ts <= p.until
group by p.cluster, p.client_ip
