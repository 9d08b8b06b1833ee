-- title = "A pod that holds secrets was entered"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0006/T1552.001",
--   "TA0002/T1609",
-- ]
-- needs = "Request"
-- resources = ["pods"]
-- describe = "Someone entered a pod that mounts secrets or has them in its environment, as far as its specification is in this log: whoever has a shell there can read them, and no request for a secret tells."
-- benign = ["Operators who look into a failing pod"]
-- blind = [
--   "pods that were written before the log begins",
--   "pods whose names neither the log nor their workload's name tells",
-- ]
-- triage = ["If the entry was not theirs to make: rotate the secrets in the list"]
-- references = ["https://kubernetes.io/docs/concepts/configuration/secret/"]

with owners as (
  select
    cluster, ts, resource, secret, via,
    -- resource namespace/name
    split_part(workload, ' ', 2) as full_name,
    split_part(split_part(workload, ' ', 2), '/', 1) as place
  from pod_secrets
  where outcome in ('allowed', 'unknown') and (via is distinct from 'image_pull')
),
entries as (
  select *, pod as target, split_part(pod, '/', 1) as place
  from pod_access
  where kind in ('exec', 'attach', 'ephemeralcontainers', 'node_exec', 'node_run', 'node_attach')
    and outcome <> 'denied' and pod is not null
    and not (in_identities('operators', username) and in_identities('operators', actor))
)
select
  first_value(entry.audit_id order by entry.ts, entry.audit_id) as audit_id,
  min(entry.ts) as first_seen,
  max(entry.ts) as last_seen,
  entry.actor,
  entry.target as object,
  count(distinct entry.audit_id) as events,
  entry.cluster,
  array_agg(distinct entry.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct owner.secret)), ' ') as secrets,
  array_to_string(array_sort(array_agg(distinct owner.via)), ',') as via,
  array_to_string(array_sort(array_agg(distinct entry.command)), ' | ') as commands,
  entry.client_ip,
  min(entry.user_agent) as user_agent
from entries entry
join owners owner
  on owner.cluster = entry.cluster
    and owner.place = entry.place
    -- written before, with the clocks of two API servers apart
    and owner.ts <= entry.ts + interval '5 seconds'
    and (
      owner.full_name = entry.target
      or (
        (owner.resource <> 'pods' or ends_with(owner.full_name, '-'))
        and starts_with(entry.target, rtrim(owner.full_name, '-') || '-')
      )
    )
group by entry.cluster, entry.date, entry.actor, entry.client_ip, entry.target
