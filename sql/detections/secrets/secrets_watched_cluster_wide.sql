-- title = "A controller watches the secrets of all namespaces"
-- status = "test"
-- severity = "info"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A service account keeps a watch on every secret of the cluster. Many operators do; each is a place from which all secrets can be taken."
-- benign = ["cert-manager, External Secrets, Argo CD and most operators that handle secrets"]
-- triage = ["Could the operator do with the secrets of some namespaces?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  'secrets of all namespaces' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  user_agent
from secret_access
where verb = 'watch' and scope = 'cluster' and outcome in ('allowed', 'unknown') and actor_kind = 'service_account'
  and not in_identities('cluster_controllers', username)
  and not in_identities('secret_readers', username)
group by cluster, date, actor, client_ip, user_agent
