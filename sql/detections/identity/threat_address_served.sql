-- title = "Sensitive request of a listed address answered"
-- status = "test"
-- severity = "high"
-- attack = ["TA0011/T1090", "TA0001/T1078", "TA0006/T1552.007"]
-- needs = "Metadata"
-- describe = "The API server let an address of the lists of known threats, Tor exits or anonymous proxies at secrets, pods, tokens or roles, or let it change something. The tactics stand beside it."
-- benign = ["A list that names an address of your own, or one that many share"]
-- blind = [
--   "null_columns.sourceIPs: it compares addresses",
--   "addresses that are on no list: the lists are yours to fill",
-- ]
-- triage = [
--   "Whose identity is it, and would they use Tor or a proxy?",
--   "Revoke the credential, then rotate what was read",
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
    array_sort(
      array_agg(
        distinct case
          when sensitivity in ('secret', 'exec', 'node_proxy', 'token', 'certificate') then 'credential access'
          when sensitivity = 'review' then 'discovery'
          when resource = 'events' or (sensitivity = 'admission' and starts_with(verb, 'delete')) then 'stealth'
          when starts_with(verb, 'delete') then 'impact'
          when coalesce(verb, '') in ('get', 'list', 'watch', 'head', 'options') then 'discovery'
          else 'persistence'
        end
      )
    ), ', '
  ) as tactics,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri)), subresource))), ', '
  ) as requests,
  min(user_agent) as user_agent
from sensitive
where outcome in ('allowed', 'unknown')
  and (
    in_networks('threat_networks', client_ip)
    or in_networks('tor_networks', client_ip)
    or in_networks('proxy_networks', client_ip)
  )
group by cluster, date, actor, client_ip
