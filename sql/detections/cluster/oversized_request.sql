-- title = "A request too large for the audit log"
-- status = "test"
-- severity = "low"
-- attack = ["TA0005/T1562.006"]
-- needs = "Metadata"
-- describe = "A request bore a path, a list of addresses or extra fields of such a size that one more makes the event too large to be kept at all: someone tries how large a request must be to vanish."
-- benign = [
--   "Long label selectors",
--   "A chain of many proxies",
-- ]
-- blind = [
--   "the request that did vanish",
--   "many addresses or large extra fields on a request for nothing sensitive",
--   "null_columns.sourceIPs: without addresses there is nothing to count",
-- ]
-- triage = [
--   "What did the identity do before and after?",
--   "Is anything missing? See log_gap and body_withheld",
-- ]
-- references = ["https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/"]
-- params = { uri_min = 8192, addresses_min = 20 }

with large as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent,
    'path of ' || length(request_uri) as size, resource
  from activity
  where length(request_uri) > $uri_min
  union all
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent,
    case
      when array_length(source_ips) > $addresses_min then array_length(source_ips) || ' addresses'
      else 'extra of ' || length(impersonated_extra)
    end as size,
    resource
  from sensitive
  where array_length(source_ips) > $addresses_min or length(impersonated_extra) > 16384
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  first_value(size order by ts, audit_id) as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct coalesce(resource, '?'))), ', ') as resources,
  client_ip,
  min(user_agent) as user_agent
from large
where not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip
