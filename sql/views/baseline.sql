-- describe = "What each identity was seen with on a day: one row a value of a feature (namespace, network, agent, operation; secret, secret_namespace, secret_network, secret_agent and the like for exec_, rbac_ and workload_; image, privileged_image). Refused requests teach nothing. Over a lake it comes from the days that are kept."
-- reads = ["events", "pod_containers"]
-- materialise = true

with seen as (
  select
    cluster, date, actor, actor_kind, verb, resource, subresource, namespace,
    case when resource = 'secrets' then name end as name,
    subnet(client_ip) as network,
    split_part(user_agent, '/', 1) as agent,
    min(ts) as first_seen,
    max(ts) as last_seen,
    count(*) as events,
    min(audit_id) as audit_id
  from events
  -- of a request just received nobody knows yet whether it is refused
  where outcome in ('allowed', 'unknown') and (stage is distinct from 'RequestReceived') and actor is not null
  group by
    cluster, date, actor, actor_kind, verb, resource, subresource, namespace,
    case when resource = 'secrets' then name end, subnet(client_ip), split_part(user_agent, '/', 1)
),
kinds as (
  select
    *,
    case
      when resource = 'secrets' and (verb is null or verb not in ('create', 'update', 'patch', 'delete')) then 'secret'
      when resource = 'pods' and subresource in ('exec', 'attach', 'portforward', 'ephemeralcontainers', 'proxy')
        then 'exec'
      when verb not in ('create', 'update', 'patch') then null
      when resource in ('roles', 'clusterroles', 'rolebindings', 'clusterrolebindings') then 'rbac'
      when resource in ('pods', 'deployments', 'daemonsets', 'statefulsets', 'replicasets', 'jobs', 'cronjobs')
        and subresource is null then 'workload'
    end as kind
  from seen
),
valued as (
  select
    cluster, date, actor, actor_kind, first_seen, last_seen, events, audit_id,
    unnest(make_array(
      named_struct('feature', 'namespace', 'value', namespace),
      named_struct('feature', 'network', 'value', network),
      named_struct('feature', 'agent', 'value', agent),
      named_struct(
        'feature', 'operation',
        'value', case when resource is not null then concat_ws(' ', verb, concat_ws('/', resource, subresource)) end
      ),
      named_struct(
        'feature', 'secret',
        'value', case when kind = 'secret' and name is not null then coalesce(namespace, '*') || '/' || name end
      ),
      named_struct(
        'feature', kind || '_namespace', 'value', case when kind is not null then coalesce(namespace, '*') end
      ),
      named_struct('feature', kind || '_network', 'value', case when kind is not null then network end),
      named_struct('feature', kind || '_agent', 'value', case when kind is not null then agent end)
    )) as pair
  from kinds
),
pairs as (
  select
    cluster, date, actor, actor_kind, pair['feature'] as feature, pair['value'] as value, first_seen, last_seen, events,
    audit_id
  from valued
  where pair['value'] is not null
  union all
  select
    cluster, date, actor, actor_kind, case when privileged then 'privileged_image' else 'image' end,
    -- without its tag or digest: new versions are no news
    regexp_replace(image, '(@.*|:[^/]*)$', ''), ts as first_seen, ts as last_seen, 1 as events, audit_id
  from pod_containers
  where image is not null and actor is not null and outcome in ('allowed', 'unknown')
    and (stage is distinct from 'RequestReceived')
)
select
  cluster, date, actor, actor_kind, feature, value,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  cast(sum(events) as bigint) as events,
  min(audit_id) as audit_id
from pairs
group by cluster, date, actor, actor_kind, feature, value
