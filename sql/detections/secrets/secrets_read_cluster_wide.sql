-- title = "All secrets of the cluster read at once"
-- status = "test"
-- severity = "high"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Someone asked for the secrets of every namespace in one request (get, list, watch or deletecollection), with something else than a controller that keeps watching them."
-- benign = [
--   "A backup tool or a new operator that lists secrets once",
--   "An administrator with kubectl get secrets -A",
-- ]
-- blind = [
--   "a thief inside a controller's own pod who watches as the controller does: see secrets_watched_cluster_wide",
--   "foreign_agent: there the agent alone tells a command line tool from the controller",
--   "null_columns: without address and agent a controller's pod is like any other",
-- ]
-- triage = [
--   "Does this identity need the secrets of all namespaces?",
--   "What did the same identity and address do before and after?",
--   "Treat every secret of the cluster as read: what must be rotated first?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

with node_addresses as (
  select cluster, actor, client_ip, sum(events) as events
  from addresses
  where actor_kind = 'node' and not impersonated and agent_class(user_agent) = 'component'
  group by cluster, actor, client_ip
),
inside as (
  -- public addresses can be the cluster's own: where a node, or several of them, come from
  select cluster, first_value(client_ip order by is_public_ip(client_ip), events desc, client_ip) as client_ip
  from node_addresses
  group by cluster, actor
  union
  select cluster, client_ip from node_addresses group by cluster, client_ip having count(*) >= 2
),
placed as (
  select s.*, not is_public_ip(s.client_ip) or i.client_ip is not null as from_inside
  from secret_access s
  left join inside i on i.cluster = s.cluster and i.client_ip = s.client_ip
  where s.scope = 'cluster'
),
informers as (
  -- a controller lists once and then watches with bookmarks, again and again, from its own pod
  select distinct cluster, actor, client_ip, user_agent
  from placed
  where verb = 'watch' and actor_kind = 'service_account' and impersonated_username is null
    -- some envelopes lose the URI, and with it the bookmarks
    and agent_class(user_agent) = 'component'
    and (request_uri is null or uri_query(request_uri, 'allowWatchBookmarks') = 'true')
    and from_inside
)
select
  first_value(s.audit_id order by s.ts, s.audit_id) as audit_id,
  min(s.ts) as first_seen,
  max(s.ts) as last_seen,
  s.actor,
  'secrets of all namespaces' as object,
  count(*) as events,
  s.cluster,
  array_agg(s.audit_id order by s.ts, s.audit_id) as audit_ids,
  s.client_ip,
  s.user_agent,
  array_to_string(array_sort(array_agg(distinct s.verb)), ',') as verbs
from placed s
left join informers i
  on i.cluster = s.cluster and i.actor = s.actor and i.client_ip = s.client_ip and i.user_agent = s.user_agent
where s.reads and s.outcome in ('allowed', 'unknown') and i.actor is null
  -- the control plane watches secrets, but neither from outside nor with a command line tool
  and not (
    in_identities('cluster_controllers', s.username)
    and agent_class(coalesce(s.user_agent, '')) = 'component' and s.from_inside
  )
  and not in_identities('secret_readers', s.username)
group by s.cluster, s.date, s.actor, s.client_ip, s.user_agent
