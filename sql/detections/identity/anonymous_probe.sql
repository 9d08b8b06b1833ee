-- title = "Possible reconnaissance without a credential"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0007/T1613",
--   "TA0043/T1595",
-- ]
-- needs = "Metadata"
-- describe = "One address asked for several things without a credential and was refused."
-- benign = ["A scanner of your own"]
-- triage = ["Is the address a pod? Then who runs commands in it?"]
-- params = { paths = 3 }

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, 'system:anonymous' as actor, coalesce(client_ip, '?') as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  min(user_agent) as user_agent, count(distinct uri_path(request_uri)) as paths,
  string_agg(distinct uri_path(request_uri), ' ') as uris
from sensitive
where actor_kind = 'anonymous'
group by cluster, date, client_ip
having count(distinct uri_path(request_uri)) >= $paths and count(*) filter (where outcome = 'denied') >= $paths
