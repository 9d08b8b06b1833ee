with dangers as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, outcome, workload, service_account, kind, value
  from pod_dangers
  union all
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, outcome,
    'persistentvolumes ' || coalesce(name, '?') as workload,
    cast(null as varchar) as service_account,
    'hostPath' as kind,
    coalesce(
      request_object ->> '$.spec.hostPath.path',
      request_object ->> '$.spec.local.path'
    ) as value
  from sensitive
  where resource = 'persistentvolumes' and sensitivity = 'config'
),
judged as (
  select
    *,
    case
      when kind = 'hostPath' then regexp_replace(regexp_replace(value, '/(\.?/)+', '/', 'g'), '/\.?$', '')
    end as path
  from dangers
)
select
  arg_min(audit_id, ts) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  workload as object,
  count(distinct audit_id) as events,
  cluster,
  list(distinct audit_id) as audit_ids,
  array_to_string(list_sort(list(distinct kind || coalesce(' ' || value, ''))), ', ') as dangers,
  client_ip,
  min(user_agent) as user_agent,
  min(service_account) as service_account
from judged
where outcome in ('allowed', 'unknown')
  and (
    kind in ('privileged', 'hostPID', 'hostIPC', 'hostProcess')
    or (
      kind = 'capability'
      and regexp_replace(upper(value), '^CAP_', '') in (
        'ALL', 'SYS_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'DAC_READ_SEARCH', 'DAC_OVERRIDE', 'BPF', 'SYS_RAWIO'
      )
    )
    or regexp_matches(
      path,
      '^(/(etc|home|sys|var|var/lib|var/log|run|var/run|host|boot|usr|bin|sbin|lib|dev))?$|(^|/)\.\.(/|$)'
      || '|^/(root|proc|etc/(kubernetes|cron[^/]*|ssh|shadow)|var/lib/(kubelet|docker|containerd|etcd)'
      || '|(var/)?run/(docker|containerd|crio)[^/]*)(/|$)'
    )
  )
  and starts_with(username, 'system:node:') is not true
  and not is_controller(username)
group by cluster, date, actor, client_ip, workload
