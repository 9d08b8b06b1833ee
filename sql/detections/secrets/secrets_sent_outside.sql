-- title = "Possible theft of secrets by push or backup"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0010/T1567",
--   "TA0009/T1074",
-- ]
-- needs = "Metadata"
-- describe = "Someone wrote by hand an object that has an operator carry secrets out of the cluster: a PushSecret, a place where Velero puts its backups, a backup of etcd. The operator reads the secrets then, under its own name and as it does every day."
-- benign = ["The set-up or the move of the backups"]
-- blind = [
--   "foreign_agent: a workload's token in other hands is told from a controller by the agent",
--   "a schedule or a backup into the place that is there already, to which the thief has the key",
-- ]
-- triage = [
--   "Which bucket or store does it name, and whose account is that?",
--   "Did a backup go there already?",
-- ]
-- references = [
--   "https://velero.io/docs/main/api-types/backupstoragelocation/",
--   "https://external-secrets.io/latest/api/pushsecret/",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource || ' ' || coalesce(namespace, '*') || '/' || coalesce(name, '*') as object,
  count(*) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  min(username) as username,
  array_to_string(array_sort(array_agg(distinct coalesce(verb, ''))), ',') as verbs
from activity
where resource in ('pushsecrets', 'clusterpushsecrets', 'backupstoragelocations', 'etcdbackups', 'etcdsnapshots')
  and subresource is null and (verb is null or verb not in ('get', 'list', 'watch', 'delete', 'deletecollection'))
  and outcome in ('allowed', 'unknown') and (stage is distinct from 'RequestReceived')
  and (actor_kind in ('human', 'anonymous') or agent_class(coalesce(user_agent, '')) in ('cli', 'script'))
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip, resource, namespace, name
