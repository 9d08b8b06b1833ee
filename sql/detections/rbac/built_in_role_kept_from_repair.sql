-- title = "Possible cover: built-in role kept from repair"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098",
--   "TA0004/T1098.006",
-- ]
-- needs = "Request"
-- resources = [
--   "clusterroles",
--   "roles",
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "The annotation autoupdate was set to false on a role or binding: API servers repair what Kubernetes brings at their start, and no longer this one."
-- benign = ["A hardening that takes rights from built-in roles for good"]
-- triage = ["Which rights or subjects differ from those that Kubernetes brings?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'rbac' and verb in ('create', 'update', 'patch') and outcome in ('allowed', 'unknown')
  and json_get_str(
    json_written(request_object), 'metadata', 'annotations', 'rbac.authorization.kubernetes.io/autoupdate'
  ) = 'false'
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, resource, namespace, name
