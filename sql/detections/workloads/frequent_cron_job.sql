-- title = "A job that runs every few minutes"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0003/T1053.007",
--   "TA0011/T1071",
-- ]
-- needs = "Request"
-- resources = ["cronjobs"]
-- describe = "A CronJob was written that runs every five minutes or more often, as a beacon would."
-- benign = ["Jobs that poll a queue or renew a token"]
-- triage = ["What does it run, and whom does it call?"]
-- references = ["https://attack.mitre.org/techniques/T1053/007/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, json_get_str(written, 'metadata', 'name'), '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  min(json_get_str(written, 'spec', 'schedule')) as schedule,
  client_ip,
  min(user_agent) as user_agent
from (
  select *, json_written(request_object) as written
  from sensitive
  where resource = 'cronjobs' and sensitivity = 'workload' and verb in ('create', 'update', 'patch')
)
where outcome in ('allowed', 'unknown')
  and regexp_like(
    trim(json_get_str(written, 'spec', 'schedule')),
    '^((TZ|CRON_TZ)=[^ ]+ +)?(\*(/[1-5])? |([0-9]+,){11,}|0-59(/[1-5])? |@every +([0-9]+s|[1-5]m)$)'
  )
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name, written
