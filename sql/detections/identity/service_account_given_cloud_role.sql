-- title = "Service account given a role in the cloud"
-- status = "test"
-- severity = "low"
-- attack = ["TA0003/T1098.003", "TA0004/T1078.004"]
-- needs = "Request"
-- resources = ["serviceaccounts"]
-- describe = "A service account was made or changed to act as an identity of AWS, Azure or Google Cloud: its pods then hold the rights of that identity outside the cluster."
-- benign = ["Deployment of an application that uses the cloud"]
-- triage = ["What may the identity do in the cloud?", "Did it trust this service account before?"]
-- references = [
--   "https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html",
--   "https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '?') || '/' || coalesce(name, json_get_str(object, 'metadata', 'name'), '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  min(cloud_role) as cloud_role,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    coalesce(
      json_get_str(object, 'metadata', 'annotations', 'eks.amazonaws.com/role-arn'),
      json_get_str(object, 'metadata', 'annotations', 'azure.workload.identity/client-id'),
      json_get_str(object, 'metadata', 'annotations', 'iam.gke.io/gcp-service-account')
    ) as cloud_role
  from (
    -- what was asked for, not the answer, which tells of every annotation that was there before
    select *, json_written(request_object) as object
    from sensitive
    where resource = 'serviceaccounts' and subresource is null
      and coalesce(verb, '') not in ('get', 'list', 'watch', 'delete', 'deletecollection')
      and outcome in ('allowed', 'unknown')
      and not in_identities('cluster_controllers', username)
      and not in_identities('operators', username)
  )
)
where cloud_role is not null
group by cluster, date, actor, client_ip, namespace, name, json_get_str(object, 'metadata', 'name')
