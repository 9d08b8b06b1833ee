-- title = "Secrets or ConfigMaps used through Azure Arc"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0009/T1530",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A service account of Azure Arc's agents used Secrets or ConfigMaps outside Arc's own namespaces. Whoever holds a right to the cluster in Azure comes in under these accounts, past the cluster's own log-in."
-- benign = ["Flux or another extension of Arc that deploys applications"]
-- blind = ["cluster connect that impersonates the user: see impersonation"]
-- triage = ["Who used cluster connect in Azure's activity log at that time?"]
-- references = ["https://learn.microsoft.com/en-us/azure/azure-arc/kubernetes/cluster-connect"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  count(distinct coalesce(namespace, '*') || '/' || coalesce(name, '*')) || ' objects' as object,
  count(*) as events,
  cluster,
  client_ip,
  min(user_agent) as user_agent,
  username,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  array_to_string(
    array_slice(
      array_sort(array_agg(distinct resource || ' ' || coalesce(namespace, '*') || '/' || coalesce(name, '*'))), 1, 50
    ),
    ', '
  ) as objects
from activity
where resource in ('secrets', 'configmaps') and outcome in ('allowed', 'unknown')
  and (stage is distinct from 'RequestReceived')
  and (
    starts_with(actor, 'system:serviceaccount:azure-arc:')
    or starts_with(username, 'system:serviceaccount:azure-arc:')
  )
  and coalesce(namespace, '') not in ('azure-arc', 'azure-arc-release', 'kube-system')
  -- helm keeps these for each release; whoever creates a secret chooses its name, so only writes are excused
  and not (coalesce(name, '') like 'sh.helm.release.v1.%' and (verb is not null and verb in ('create', 'update')))
group by cluster, date, actor, username, client_ip
