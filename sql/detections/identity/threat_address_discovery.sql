-- title = "Possible look round from a listed address"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0011/T1090", "TA0001/T1078", "TA0007/T1613"]
-- needs = "Metadata"
-- describe = "Someone with a valid credential worked from an address of the lists of known threats, Tor exits or anonymous proxies, whatever he asked for."
-- benign = ["A list that names an address of your own, or one that many share"]
-- blind = [
--   "null_columns.sourceIPs: it compares addresses",
--   "addresses that are on no list: the lists are yours to fill",
-- ]
-- triage = [
--   "Whose identity is it, and would they use Tor or a proxy?",
--   "What sensitive was asked for? See threat_address_served",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1090/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  client_ip as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(
    array_sort(
      array_agg(
        distinct case
          when in_networks('threat_networks', client_ip) then 'threat_networks'
          when in_networks('tor_networks', client_ip) then 'tor_networks'
          else 'proxy_networks'
        end
      )
    ), ' '
  ) as lists,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri)), subresource))), ', '
  ) as requests,
  min(user_agent) as user_agent
from activity
where outcome in ('allowed', 'unknown') and (stage is distinct from 'RequestReceived')
  -- everybody's business without a credential: health, version, and what anonymous_access tells
  and actor_kind not in ('anonymous', 'unauthenticated')
  and (
    in_networks('threat_networks', client_ip)
    or in_networks('tor_networks', client_ip)
    or in_networks('proxy_networks', client_ip)
  )
group by cluster, date, actor, client_ip
