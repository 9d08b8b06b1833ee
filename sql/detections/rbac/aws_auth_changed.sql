-- title = "Mapping of cloud identities changed"
-- status = "test"
-- severity = "high"
-- attack = ["TA0003/T1098.006"]
-- needs = "Metadata"
-- resources = ["configmaps"]
-- describe = "The ConfigMap aws-auth, which makes AWS identities users of the cluster, was changed."
-- benign = ["A new node group or administrator, planned"]
-- triage = ["Which role or user was added, with which groups?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  'kube-system/aws-auth' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource = 'configmaps' and namespace = 'kube-system' and name = 'aws-auth'
  and sensitivity = 'config' and outcome in ('allowed', 'unknown')
  and coalesce(username, '') not in (
    'eks:node-manager', 'eks:fargate-manager', 'eks:nodegroup-manager', 'eks:kms-storage-migrator'
  )
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip
