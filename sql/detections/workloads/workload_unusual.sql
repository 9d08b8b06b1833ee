-- title = "A workload unlike those before it was written"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0002/T1610",
--   "TA0004/T1078",
-- ]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "An identity wrote workloads in a namespace, from a network, with an agent or with an image that is new for it, several of these at once; or an identity that is known wrote workloads for the first time."
-- benign = ["A new application or a new member of the team"]
-- blind = [
--   "an attack that does what the identity always does",
--   "an identity that is new itself: see privileged_workload for what it deploys",
-- ]
-- triage = ["Which of the features is new, and does the owner of the identity know of it?"]
-- params = { history_days = 7, bits = 8 }

with news as (
  select
    *,
    row_number() over (partition by cluster, date, actor, feature order by surprise desc, value) as place
  from (
    select
      cluster, date, actor, feature, value, first_seen, last_seen, events, audit_id, previous_seen, actor_first_seen,
      log_days, surprise, cast(actor_days_before as bigint) as actor_days_before
    from first_times
  )
  where log_days >= $history_days
    and feature in ('workload_namespace', 'workload_network', 'workload_agent', 'image', 'privileged_image')
    and starts_with(actor, 'system:node:') is not true
    and not in_identities('cluster_controllers', actor)
    and not in_identities('operators', actor)
)
select
  first_value(audit_id order by surprise desc, feature, audit_id) as audit_id,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  actor,
  first_value(value order by surprise desc, feature, value) as object,
  max(events) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  round(sum(surprise), 1) as bits,
  array_to_string(
    array_agg(
      replace(feature, '_', ' ') || ' ' || value
        || case when previous_seen is null then ' never seen (' else ' seldom seen (' end || surprise || ' bits)'
      order by surprise desc, feature
    ), ', '
  ) as why,
  max(actor_days_before) as days_before
from news
where place = 1 and surprise > 0
group by cluster, date, actor
having
  max(actor_days_before) >= 3 and sum(surprise) >= $bits
  -- known for days, and never a writer of workloads
  or max(actor_days_before) = 0 and min(actor_first_seen) < min(first_seen) - interval '3 days'
