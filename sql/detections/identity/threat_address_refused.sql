-- title = "Request of a listed address refused"
-- status = "test"
-- severity = "low"
-- attack = ["TA0011/T1090", "TA0043/T1595", "TA0006/T1110"]
-- needs = "Metadata"
-- describe = "An address of the lists of known threats, Tor exits or anonymous proxies asked the API server for something and was refused."
-- benign = ["The Internet's noise, where the API server is public"]
-- blind = [
--   "null_columns.sourceIPs: it compares addresses",
--   "addresses that are on no list: the lists are yours to fill",
-- ]
-- triage = [
--   "Must the API server be reachable from there?",
--   "Was a real identity used? Then its credential is in wrong hands",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1090/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(actor, '') as actor,
  client_ip as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
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
from sensitive
where outcome = 'denied'
  and (
    in_networks('threat_networks', client_ip)
    or in_networks('tor_networks', client_ip)
    or in_networks('proxy_networks', client_ip)
  )
group by cluster, date, actor, client_ip
