-- title = "Rights changed, then a workload"
-- status = "test"
-- severity = "low"
-- attack = ["TA0004/T1098.006", "TA0002/T1610"]
-- needs = "Metadata"
-- describe = "An identity changed roles or bindings and within five minutes created or changed a workload: what whoever deploys an application does, and whoever gives a pod the rights to take over."
-- benign = ["Helm, Argo CD and every deployment of an application with rights of its own"]
-- triage = ["Which rights did the workload's service account get?", "Is the image known?"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

with rights as (
  select cluster, ts, audit_id, username, resource, verb
  from sensitive
  where sensitivity = 'rbac' and outcome in ('allowed', 'unknown')
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
),
workloads as (
  select cluster, date, ts, audit_id, username, actor, resource, verb, namespace, name, client_ip, user_agent
  from sensitive
  where sensitivity = 'workload' and outcome in ('allowed', 'unknown')
    and coalesce(verb, '') not in ('delete', 'deletecollection')
    and not in_identities('cluster_controllers', username)
)
select
  first_value(w.audit_id order by w.ts, w.audit_id) as audit_id,
  min(r.ts) as first_seen,
  max(w.ts) as last_seen,
  w.username as actor,
  case
    when count(distinct concat_ws('/', w.namespace, w.resource, w.name)) = 1
      then min(concat_ws('/', w.namespace, w.resource, w.name))
    else count(distinct concat_ws('/', w.namespace, w.resource, w.name)) || ' workloads'
  end as object,
  count(distinct w.audit_id) + count(distinct r.audit_id) as events,
  w.cluster,
  array_concat(array_agg(distinct r.audit_id), array_agg(distinct w.audit_id)) as audit_ids,
  array_to_string(array_sort(array_agg(distinct r.verb || ' ' || r.resource)), ', ') as rights,
  array_to_string(array_sort(array_agg(distinct w.verb || ' ' || w.resource)), ', ') as changes,
  min(w.client_ip) as client_ip,
  min(w.user_agent) as user_agent
from rights r
join workloads w on w.cluster = r.cluster and w.username = r.username
where w.ts > r.ts and w.ts - r.ts <= interval '5 minutes'
group by w.cluster, w.date, w.username
