-- title = "Possible abuse: rights of a group used by those who had just granted them"
-- status = "experimental"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
-- ]
-- describe = "A group was bound to a role, and within an hour the API server allowed something sensitive because of that to the identity that wrote the binding, or to another one that came from the same address: someone helped themselves and others. Each request names the binding and the group that allowed it."
-- benign = ["An administrator who tests a new role, or whose colleagues work behind the same address"]
-- blind = [
--   "null_columns.sourceIPs: two identities of one person are told by their common address",
--   "null_columns.annotations: the reason is an annotation",
--   "rights given to users and accounts by name: see binding_then_use",
--   "bindings named by the server, where the answer is not logged",
--   "rights that an authorizer other than RBAC gave",
-- ]
-- triage = [
--   "Who asked for the grant?",
--   "Was it taken back? Look for the deletion of the binding",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/rbac/"]

with grants as (
  select
    cluster, ts, audit_id, username, actor, client_ip,
    coalesce(
      name, json_get_str(response_object, 'metadata', 'name'), json_get_str(request_object, 'metadata', 'name')
    ) as binding,
    case when resource = 'rolebindings' then namespace end as place
  from sensitive
  where resource in ('rolebindings', 'clusterrolebindings') and sensitivity = 'rbac'
    and verb in ('create', 'update', 'patch') and outcome in ('allowed', 'unknown')
    and not in_identities('cluster_controllers', username)
    and not (in_identities('operators', username) and in_identities('operators', actor))
),
uses as (
  select
    *,
    -- RBAC: allowed by RoleBinding "name/namespace" of Role "x" to Group "y"
    regexp_match(auth_reason, '^RBAC: allowed by (?:Cluster)?RoleBinding "([^"]+)" of .* to Group "')[1] as allowed_by
  from sensitive
  where auth_reason is not null and outcome in ('allowed', 'unknown')
    and sensitivity in ('secret', 'exec', 'token', 'node_proxy', 'rbac', 'certificate', 'admission', 'workload')
)
select
  first_value(used.audit_id order by used.ts, used.audit_id) as audit_id,
  min(used.ts) as first_seen,
  max(used.ts) as last_seen,
  used.actor,
  used.allowed_by as object,
  count(distinct used.audit_id) as events,
  used.cluster,
  array_distinct(array_concat(array_agg(given.audit_id), array_agg(used.audit_id))) as audit_ids,
  given.actor as granted_by,
  min(given.ts) as granted_at,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', used.verb, concat_ws('/', used.resource, used.subresource)))), ', '
  ) as uses,
  array_to_string(array_sort(array_agg(distinct used.client_ip)), ' ') as client_ips,
  min(used.user_agent) as user_agent
from uses used
join grants given
  on given.cluster = used.cluster
    and concat_ws('/', given.binding, given.place) = used.allowed_by
    and used.ts > given.ts
    and used.ts <= given.ts + interval '1 hour'
where used.username in (given.username, given.actor)
  or used.actor in (given.username, given.actor)
  -- a tunnel or proxy on the node of the API server makes everyone come from there
  or (used.client_ip = given.client_ip and ip_class(used.client_ip) is distinct from 'loopback')
group by used.cluster, used.date, used.actor, used.allowed_by, given.actor
