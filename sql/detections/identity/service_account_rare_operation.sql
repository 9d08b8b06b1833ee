-- title = "Possible abuse of a service account: it did what it never did"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0001/T1078", "TA0006/T1552.007"]
-- needs = "Metadata"
-- describe = "A service account that is known for days did something sensitive for the first time: secrets, ways into pods and nodes, tokens, certificates, roles, admission, workloads or the list of its rights."
-- benign = ["A new version of the program, or a task that is seldom done"]
-- blind = ["the first week of a log", "an operation that the account's program does every day"]
-- triage = [
--   "Was the program updated on that day?",
--   "Did the address or the agent change too? See identity_new_network and service_account_new_tool",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1078/"]
-- params = { history_days = 7, days = 3 }

select
  first_value(audit_id order by first_seen, audit_id) as audit_id,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  actor,
  case when count(distinct value) = 1 then min(value) else count(distinct value) || ' operations' end as object,
  cast(sum(events) as bigint) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct value)), ', ') as operations,
  max(surprise) as surprise,
  bool_and(value_first_seen >= first_seen) as new_to_all
from first_times
where feature = 'operation' and actor_kind = 'service_account'
  and log_days >= $history_days and previous_seen is null and actor_days_before >= $days
  and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
  and (
    value in (
      'get secrets', 'list secrets', 'watch secrets', 'deletecollection secrets',
      'create pods/exec', 'get pods/exec', 'create pods/attach', 'get pods/attach', 'create pods/portforward',
      'get pods/portforward', 'update pods/ephemeralcontainers', 'patch pods/ephemeralcontainers',
      'create pods/proxy', 'get pods/proxy', 'create services/proxy', 'get services/proxy',
      'create nodes/proxy', 'get nodes/proxy', 'create serviceaccounts/token',
      'create certificatesigningrequests', 'update certificatesigningrequests/approval',
      'patch certificatesigningrequests/approval', 'delete events', 'deletecollection events',
      'create selfsubjectrulesreviews'
    )
    or regexp_like(value, '^(create|update|patch|delete) (cluster)?role(binding)?s$')
    or regexp_like(value, '^(create|update|patch|delete) (mutating|validating)(webhookconfigurations|admissionpolic)')
    or regexp_like(value, '^(create|update|patch) (pods|deployments|daemonsets|statefulsets|jobs|cronjobs)$')
    -- an unknown method has no verb that is known
    or starts_with(value, ' ') or value in ('secrets', 'pods/exec', 'nodes/proxy')
  )
group by cluster, date, actor
