-- title = "Possible probing for readable secrets"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0007/T1613",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Refused requests for secrets in several namespaces, or for the whole cluster, by one identity or address within 15 minutes."
-- benign = ["A misconfigured operator that tries every namespace"]
-- triage = [
--   "What did the identity read that was allowed?",
--   "Is the address a pod of its own?",
-- ]
-- params = { places = 3 }

with denied as (
  select *, case when scope = 'cluster' then '*' else coalesce(namespace, '*') end as place
  from secret_access
  where outcome = 'denied' and actor_kind <> 'control_plane'
 and not in_identities('cluster_controllers', actor)
),
firsts as (
  select cluster, actor, client_ip, place, min(ts) as ts, first_value(audit_id order by ts) as audit_id, count(*) as requests,
    min(user_agent) as user_agent
  from denied
  group by cluster, actor, client_ip, place
),
windows as (
  select *, count(*) over (
    partition by cluster, actor, client_ip order by ts
    range between interval '15 minutes' preceding and current row
  ) as places
  from firsts
)
select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor,
  'secrets in ' || max(places) || ' places' as object, sum(requests) as events, cluster, array_agg(audit_id order by ts) as audit_ids, client_ip,
  min(user_agent) as user_agent, string_agg(place, ' ' order by ts) as namespaces
from windows
group by cluster, actor, client_ip
having max(places) >= $places
