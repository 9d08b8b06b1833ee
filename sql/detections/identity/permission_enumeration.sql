-- title = "Possible search for what an identity may do"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0007/T1613", "TA0007/T1069"]
-- needs = "Metadata"
-- describe = "One identity was refused several different kinds of resources within 15 minutes, as happens to whoever tries everything with a credential that he does not know."
-- benign = ["A console that shows what its user may not see", "A new program whose role lacks much"]
-- blind = ["slower than four kinds in 15 minutes: see service_account_denied"]
-- triage = [
--   "What was allowed in the same minutes?",
--   "Did the identity's address or agent change? See identity_new_network",
-- ]
-- references = [
--   "https://attack.mitre.org/techniques/T1613/",
--   "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
-- ]
-- params = { kinds = 5, kinds_of_programs = 3 }

with denied as (
  select
    *,
    case
      -- kubectl get all asks for these at once
      when resource in (
        'pods', 'services', 'replicationcontrollers', 'daemonsets', 'deployments', 'replicasets', 'statefulsets',
        'horizontalpodautoscalers', 'cronjobs', 'jobs'
      ) and subresource is null then 'workloads'
      else concat_ws('/', resource, subresource)
    end as kind
  from sensitive
  where outcome = 'denied' and resource is not null and actor_kind not in ('anonymous', 'unauthenticated')
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
),
counted as (
  select
    *,
    count(distinct kind) over (
      partition by cluster, username order by ts range between interval '15 minutes' preceding and current row
    ) as kinds
  from denied
),
marked as (
  select
    *,
    -- a request belongs to a burst if one of the windows that it falls into is full
    max(kinds) over (
      partition by cluster, username order by ts range between current row and interval '15 minutes' following
    ) as most
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(username, '') as actor,
  max(most) || ' kinds of resources' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(
    array_sort(
      array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri)), subresource, namespace))
    ), ', '
  ) as requests,
  array_to_string(array_sort(array_agg(distinct actor)), ' ') as actors,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent
from marked
-- a program knows what it needs; a person may look round
where most >= case
  when starts_with(username, 'system:serviceaccount:') or actor_kind in ('service_account', 'node')
    then $kinds_of_programs
  else $kinds
end
group by cluster, username
