-- title = "Possible rise to cluster-admin by running a pod as a service account"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0004/T1078",
--   "TA0002/T1610",
-- ]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "A pod or workload was written that runs as a service account with the role cluster-admin, by someone who did not act as cluster-admin: whoever may create pods may use every account of the namespace."
-- benign = ["A pipeline that installs operators and is not cluster-admin itself"]
-- blind = [
--   "accounts whose power the log does not show: bound before it begins, and not used",
--   "an update of a workload to another account",
--   "powerful roles other than cluster-admin: see role_grants_escalation",
-- ]
-- triage = [
--   "Does the actor look after the account?",
--   "What did the account do since?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation"]

with powerful as (
  select cluster, service_account_namespace as account_namespace, service_account_name as account
  from sensitive
  where actor_kind = 'service_account' and strpos(auth_reason, ' of ClusterRole "cluster-admin" ') > 0
  union
  select cluster, subject_namespace as account_namespace, subject_name as account
  from rbac_bindings
  where resource = 'clusterrolebindings' and role_name = 'cluster-admin' and subject_kind = 'ServiceAccount'
    and outcome in ('allowed', 'unknown')
)
select
  first_value(s.audit_id order by s.ts, s.audit_id) as audit_id,
  min(s.ts) as first_seen,
  max(s.ts) as last_seen,
  s.actor,
  s.workload || ' as ' || s.service_account as object,
  count(*) as events,
  s.cluster,
  array_agg(s.audit_id order by s.ts, s.audit_id) as audit_ids,
  s.client_ip,
  min(s.user_agent) as user_agent,
  min(s.auth_reason) as auth_reason
from pod_specs s
join powerful p on p.cluster = s.cluster and p.account_namespace = s.namespace and p.account = s.service_account
where s.outcome in ('allowed', 'unknown')
  -- an update repeats the account that was there
  and (
    s.verb = 'create'
    or regexp_like(s.request_object, '"serviceAccount(Name)?" *:|/serviceAccount(Name)?"') and s.verb = 'patch'
  )
  -- the reason is empty for system:masters, who need no rise
  and (s.auth_reason is null or s.auth_reason <> '' and strpos(s.auth_reason, ' of ClusterRole "cluster-admin" ') = 0)
  and starts_with(s.username, 'system:node:') is not true
  and not in_identities('cluster_controllers', s.username)
  and not (in_identities('operators', s.username) and in_identities('operators', s.actor))
group by s.cluster, s.date, s.actor, s.client_ip, s.workload, s.service_account
