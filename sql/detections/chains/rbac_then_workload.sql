-- title = "Rights changed, then a workload"
-- status = "test"
-- severity = "low"
-- attack = ["TA0004/T1098.006", "TA0002/T1610"]
-- needs = "Metadata"
-- describe = "An identity changed roles or bindings and within five minutes created or changed a workload: what whoever deploys an application does, and whoever gives a pod the rights to take over."
-- benign = ["Helm, Argo CD and every deployment of an application with rights of its own"]
-- triage = ["Which rights did the workload's service account get?", "Is the image known?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

with writes as (
  select
    cluster, date, ts, audit_id, username, actor, resource, verb, namespace, name, client_ip, user_agent,
    sensitivity = 'workload' as is_workload
  from sensitive
  where sensitivity in ('rbac', 'workload') and outcome in ('allowed', 'unknown')
    and (sensitivity = 'rbac' or coalesce(verb, '') not in ('delete', 'deletecollection'))
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
),
-- windows, since a pipeline writes so much of both that to join them would never end
seen as (
  select
    *,
    max(case when not is_workload then ts end) over (
      partition by cluster, username order by ts range between interval '5 minutes' preceding and current row
    ) as rights_before,
    max(case when is_workload then ts end) over (
      partition by cluster, username order by ts range between current row and interval '5 minutes' following
    ) as workload_after
  from writes
)
select
  first_value(audit_id order by ts, audit_id) filter (where is_workload) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  case
    when count(distinct concat_ws('/', namespace, resource, name)) filter (where is_workload) = 1
      then min(concat_ws('/', namespace, resource, name)) filter (where is_workload)
    else count(distinct concat_ws('/', namespace, resource, name)) filter (where is_workload) || ' workloads'
  end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(
    array_sort(array_agg(distinct verb || ' ' || resource) filter (where not is_workload)), ', '
  ) as rights,
  array_to_string(array_sort(array_agg(distinct verb || ' ' || resource) filter (where is_workload)), ', ') as changes,
  min(client_ip) as client_ip,
  min(user_agent) as user_agent
from seen
where (is_workload and rights_before < ts) or (not is_workload and workload_after > ts)
group by cluster, username, date_bin(interval '24 hours', coalesce(rights_before, ts))
having count(*) filter (where is_workload) > 0
