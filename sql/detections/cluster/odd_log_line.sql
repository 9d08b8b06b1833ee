-- title = "A line of the log that an API server does not write so"
-- status = "test"
-- severity = "low"
-- attack = ["TA0005/T1565.001"]
-- needs = "Metadata"
-- describe = "An event about something sensitive has a field of another type than the API has, an agent longer than the API server lets through, or ends before it began: the line was written or edited by something else, or a clock jumped."
-- benign = [
--   "Exporters of a log that rename or flatten its fields",
--   "A clock that was set",
-- ]
-- blind = [
--   "a line edited with care",
--   "events about nothing sensitive",
-- ]
-- triage = ["Compare the line with the copy of the log nearest to the API server"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  flags as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct source || ':' || line)), ' ') as lines,
  array_to_string(array_sort(array_agg(distinct coalesce(verb, '?') || ' ' || coalesce(resource, '?'))), ', ') as requests,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where flags is not null
group by cluster, date, actor, client_ip, flags
