-- title = "Possible dump of a data store through exec"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0009/T1213",
--   "TA0006/T1555",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec is a dump of a database, or reads values out of a secrets store."
-- benign = ["Backups and migrations by hand or by a scheduled job: name their account as an operator"]
-- blind = [
--   "a shell in which the command is typed: the log shows the shell only",
--   "queries that read table by table",
-- ]
-- triage = ["Where did the output go? It came back over the exec itself unless written to a file"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(pod, name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  client_ip,
  min(user_agent) as user_agent
from pod_commands
where outcome <> 'denied'
  and regexp_like(
    plain,
    '(^|[ /;|&(])(pg_dump(all)?|pg_basebackup|mysqldump|mariadb-dump|mydumper|mongodump|mongoexport'
    || '|sqlite3 [^ ]+ \.dump'
    || '|influxd? backup|cypher-shell .*export|neo4j-admin .*dump|cqlsh .*copy )( |$|[;|&])'
    || '|(^|[ /;|&(])redis-cli (.* )?(--rdb|bgsave|keys|--scan)( |$)'
    || '|(^|[ /;|&(])(vault|bao) +(kv +(get|list|export)|read|list|operator +(raft +snapshot|generate-root'
    || '|unseal|rekey)|token +create)( |$)'
    || '|(^|[ /;|&(])copy .* to (stdout|program)|into outfile|select .* from +(mysql\.user|pg_shadow|pg_authid)'
  )
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
