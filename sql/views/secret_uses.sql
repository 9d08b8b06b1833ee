-- describe = "Which workloads and pods use which Secret, as the pod specs in the log and in a snapshot say: one row a Secret, workload, pod and way (see pod_secrets). workload: resource namespace/name of what is restarted to change the pods, by the owner that the body names. pod: where the spec is a pod's."
-- reads = ["pod_secrets", "status_secrets", "inventory"]
-- materialise = true

select
  cluster, namespace, name, via, pod, service_account,
  kind || ' ' || namespace || '/' || owner as workload,
  min(ts) as first_seen,
  max(ts) as last_seen
from (
  select
    cluster, namespace, name, via, pod, service_account, ts,
    case
      when owner_kind = 'ReplicaSet' then 'deployments'
      when owner_kind = 'Job' and regexp_like(owner_name, '-[0-9]{7,}$') then 'cronjobs'
      when owner_kind is not null then lower(owner_kind) || 's'
      else resource
    end as kind,
    case
      when owner_kind = 'ReplicaSet' then regexp_replace(owner_name, '-[a-z0-9]{1,10}$', '')
      when owner_kind = 'Job' then regexp_replace(owner_name, '-[0-9]{7,}$', '')
      else coalesce(owner_name, own_name)
    end as owner
  from (
    select
      cluster, namespace, via, service_account, resource, ts,
      split_part(secret, '/', 2) as name,
      own_name,
      case when resource = 'pods' then own_name end as pod,
      owner_kind, owner_name
    from (
      select
        *,
        -- workload is resource namespace/name
        split_part(workload, '/', 2) as own_name
      from pod_secrets
      where outcome = 'allowed' and namespace is not null
    )
    union all
    select
      cluster, namespace, via, service_account, resource, created as ts, secret as name, name as own_name,
      case when resource = 'pods' then name end as pod,
      owner_kind, owner_name
    from inventory
    where secret is not null
    union all
    select
      cluster, namespace, via, service_account, resource, ts, secret as name, name as own_name,
      case when resource = 'pods' then name end as pod,
      owner_kind, owner_name
    from status_secrets
  )
)
where owner is not null
group by cluster, namespace, name, via, pod, service_account, kind, owner
