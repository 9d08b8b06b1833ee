-- describe = "Ways into a running pod (see pod_access), one row a Secret that the pod uses. secret: namespace/name; NULL where nothing tells of one. known_by: pod, where the pod's own spec is known, else template, where that of its workload is and names Secrets, else NULL."
-- reads = ["pod_access", "pod_specs", "secret_uses", "inventory"]

with entries as (
  select
    e.*,
    split_part(pod, '/', 1) as pod_namespace,
    split_part(pod, '/', 2) as entered
  from pod_access e
),
-- what a pod of this name may belong to, by the names that controllers give
owners as (
  select
    *,
    unnest(make_array(
      'deployments ' || pod_namespace || '/' || regexp_replace(entered, '-[a-z0-9]{1,10}-[a-z0-9]{5}$', ''),
      'replicasets ' || pod_namespace || '/' || regexp_replace(entered, '-[a-z0-9]{5}$', ''),
      'daemonsets ' || pod_namespace || '/' || regexp_replace(entered, '-[a-z0-9]{5}$', ''),
      'jobs ' || pod_namespace || '/' || regexp_replace(entered, '-[a-z0-9]{5}$', ''),
      'replicationcontrollers ' || pod_namespace || '/' || regexp_replace(entered, '-[a-z0-9]{5}$', ''),
      'statefulsets ' || pod_namespace || '/' || regexp_replace(entered, '-[0-9]+$', ''),
      'cronjobs ' || pod_namespace || '/' || regexp_replace(entered, '-[0-9]{7,}-[a-z0-9]{5}$', '')
    )) as owner
  from (select distinct cluster, pod_namespace, entered from entries where pod is not null)
),
uses as (
  select u.cluster, u.namespace, u.pod as entered, u.name, u.via, u.workload, u.service_account, 'pod' as known_by
  from secret_uses u
  where u.pod is not null
  union
  select o.cluster, o.pod_namespace as namespace, o.entered, u.name, u.via, u.workload, u.service_account,
    'template' as known_by
  from owners o
  join secret_uses u on u.cluster = o.cluster and u.workload = o.owner
  left anti join secret_uses own
    on own.cluster = o.cluster and own.namespace = o.pod_namespace and own.pod = o.entered
),
-- pods whose spec is known, whether it names Secrets or none
known as (
  select cluster, namespace, entered, max(service_account) as service_account
  from (
    -- workload is resource namespace/name
    select cluster, namespace, split_part(workload, '/', 2) as entered, service_account
    from pod_specs
    where resource = 'pods' and verb = 'create' and spec is not null
    union all
    select cluster, namespace, name as entered, service_account
    from inventory
    where resource = 'pods'
  )
  where namespace is not null
  group by cluster, namespace, entered
)
select
  e.* except (pod_namespace, entered),
  u.namespace || '/' || u.name as secret, u.via, u.workload,
  coalesce(u.service_account, k.service_account) as pod_account,
  case when u.known_by is null and k.entered is not null then 'pod' else u.known_by end as known_by
from entries e
left join known k on k.cluster = e.cluster and k.namespace = e.pod_namespace and k.entered = e.entered
left join uses u on u.cluster = e.cluster and u.namespace = e.pod_namespace and u.entered = e.entered
