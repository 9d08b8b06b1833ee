-- title = "A service account changed roles or bindings"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Metadata"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
--   "clusterroles",
--   "roles",
-- ]
-- describe = "A program account created, changed or deleted roles or bindings: pipelines and operators do, applications do not."
-- benign = ["GitOps, Helm in a pipeline, operators that bring roles: name them as operators"]
-- triage = [
--   "Is there a program behind the account that manages rights?",
--   "From where was the account used before?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case
    when count(distinct target) = 1 then min(target)
    else count(distinct target) || ' roles and bindings'
  end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  array_to_string(array_sort(array_agg(distinct target)), ' ') as targets,
  client_ip,
  min(user_agent) as user_agent,
  min(pod_name) as pod_of_the_token
from (
  select *, resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '*') as target
  from sensitive
  where sensitivity = 'rbac' and outcome in ('allowed', 'unknown')
)
where (actor_kind = 'service_account' or starts_with(username, 'system:serviceaccount:'))
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
