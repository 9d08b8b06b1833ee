-- title = "Possible theft: a node read a secret of a namespace where it runs nothing"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A kubelet fetches the secrets that pods on its node mount. This one got a secret of a namespace in which it reported no pod, asked for no pod's token and wrote no event in the whole log, although it did so in others, and it did not keep fetching it."
-- benign = ["A pod that has run since before the log begins, and is restarted or looked at just once"]
-- blind = [
--   "clusters whose policy leaves out what nodes do",
--   "a thief who wants the secrets of a namespace that the node serves: with the Node authorizer there are no others",
-- ]
-- triage = [
--   "Is the Node authorizer on, or may the group system:nodes read secrets by a role?",
--   "Which pod would mount it?",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/node/"]
-- params = { namespaces = 1 }

with serves as (
  select
    cluster, actor, namespace,
    bool_or(resource = 'pods' and coalesce(subresource, '') = 'status') as reported
  from activity
  where actor_kind = 'node' and namespace is not null and outcome in ('allowed', 'unknown', 'failed')
    and resource in ('pods', 'serviceaccounts', 'events', 'configmaps')
  group by cluster, actor, namespace
),
nodes as (
  select cluster, actor
  from serves
  group by cluster, actor
  having count(*) filter (where reported) >= $namespaces
),
reads as (
  select
    s.*,
    max(s.ts) over (partition by s.cluster, s.actor, s.secret)
      - min(s.ts) over (partition by s.cluster, s.actor, s.secret) as reads_for
  from secret_access s
  where s.actor_kind = 'node' and s.reads and s.scope = 'named' and s.outcome in ('allowed', 'unknown')
)
select
  first_value(r.audit_id order by r.ts, r.audit_id) as audit_id,
  min(r.ts) as first_seen,
  max(r.ts) as last_seen,
  r.actor,
  case when count(distinct r.secret) = 1 then min(r.secret) else count(distinct r.secret) || ' secrets' end as object,
  count(*) as events,
  r.cluster,
  array_agg(r.audit_id order by r.ts, r.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct r.client_ip)), ' ') as client_ips,
  min(r.user_agent) as user_agent,
  min(r.username) as username,
  array_to_string(array_slice(array_sort(array_agg(distinct r.secret)), 1, 50), ' ') as secrets
from reads r
join nodes n on n.cluster = r.cluster and n.actor = r.actor
left join serves s on s.cluster = r.cluster and s.actor = r.actor and s.namespace = r.namespace
where s.actor is null and r.reads_for < interval '1 hour'
group by r.cluster, r.date, r.actor
