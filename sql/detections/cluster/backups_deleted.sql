-- title = "Possible destruction of backups"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0040/T1490",
--   "TA0040/T1485",
-- ]
-- needs = "Metadata"
-- resources = [
--   "volumesnapshots",
--   "backups",
--   "schedules",
-- ]
-- describe = "Snapshots, backups or their schedules were deleted, several of them or all at once."
-- benign = ["Spring cleaning"]
-- blind = [
--   "backups outside the cluster",
--   "a service account of a backup tool, used by someone else: see token_foreign_address",
-- ]
-- triage = [
--   "What is left to restore from?",
--   "What else did the actor delete? See mass_deletion",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1490/"]
-- params = { deletions_min = 3 }

with deletions as (
  -- stages of one request share all of these
  select
    cluster, date, ts, audit_id, actor, username, client_ip, resource, namespace, name, verb,
    min(user_agent) as user_agent
  from activity
  where outcome in ('allowed', 'unknown') and subresource is null
    and (
      resource in (
        'volumesnapshots', 'volumesnapshotcontents', 'volumegroupsnapshots', 'backups', 'scheduledbackups', 'schedules',
        'backupstoragelocations', 'volumesnapshotlocations', 'backuprepositories', 'etcdbackups'
      ) and verb in ('delete', 'deletecollection')
      or resource in ('deletebackuprequests', 'deletebackuprequest') and verb = 'create'
    )
    -- they delete what has expired
    and (
      username = actor
      and username in (
        'system:serviceaccount:velero:velero', 'system:serviceaccount:velero:velero-server',
        'system:serviceaccount:openshift-adp:velero', 'system:serviceaccount:kube-system:snapshot-controller',
        'system:serviceaccount:k8up:k8up', 'system:serviceaccount:cnpg-system:cnpg-manager'
      )
    ) is not true
    and not in_identities('cluster_controllers', username)
    and not (in_identities('operators', username) and in_identities('operators', actor))
  group by cluster, date, ts, audit_id, actor, username, client_ip, resource, namespace, name, verb
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  array_to_string(array_sort(array_agg(distinct resource)), ', ') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct coalesce(namespace || '/', '') || coalesce(name, '*'))), ' ') as names,
  client_ip,
  min(user_agent) as user_agent
from deletions
group by cluster, date, actor, client_ip
having count(*) >= $deletions_min or count(case when verb = 'deletecollection' then 1 end) > 0
