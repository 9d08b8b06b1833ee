-- title = "Possible disruption of the control plane by its leases"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0040/T1489",
--   "TA0040/T1499",
-- ]
-- needs = "Metadata"
-- resources = ["leases"]
-- describe = "The lease by which a part of the control plane leads, or a node shows that it lives, was written or deleted by someone else: the part stops, or the node is taken for dead."
-- benign = ["A repair by hand"]
-- blind = ["the identity of the component itself, stolen: see component_identity_by_hand"]
-- triage = ["Which part lost its lease, and did another take it?"]
-- references = ["https://kubernetes.io/docs/concepts/architecture/leases/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '*') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from (
  select *
  from activity
  where resource = 'leases' and outcome in ('allowed', 'unknown') and (verb is null or verb not in ('get', 'list', 'watch', 'head', 'options'))
    and (
      namespace = 'kube-node-lease'
      or namespace = 'kube-system' and (
        name is null and verb = 'deletecollection'
        or name in ('kube-scheduler', 'kube-controller-manager', 'cloud-controller-manager')
        or starts_with(name, 'apiserver-')
      )
    )
    -- installers create; to create a lease disturbs nobody
    and (verb is null or verb <> 'create')
    and (namespace = 'kube-node-lease' and username = 'system:node:' || name) is not true
    and (
      name = 'cloud-controller-manager'
      and username in ('system:serviceaccount:kube-system:cloud-controller-manager', 'system:cloud-controller-manager')
    ) is not true
)
where not in_identities('cluster_controllers', username)
  and not in_identities('eks_controllers', username)
  and not in_identities('aks_controllers', username)
  and not in_identities('gke_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name
