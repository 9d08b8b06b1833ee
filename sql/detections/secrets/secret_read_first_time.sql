-- title = "Secrets read by someone who never read them before"
-- status = "test"
-- severity = "low"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A person or a workload read secrets by name that others have read on earlier days and that it never read itself. Secrets that nobody read before are left out: those are new applications."
-- benign = [
--   "Someone who takes over a service",
--   "An application that is given another one's secret",
-- ]
-- blind = [
--   "lists of a whole namespace, which name no secret: see secret_read_from_new_place and secret_access_unusual",
--   "kubelets, which read new secrets whenever a pod moves",
-- ]
-- triage = ["Has the identity anything to do with those who read the secret until now?"]
-- params = { history_days = 7 }

select
  first_value(f.audit_id order by f.first_seen, f.audit_id) as audit_id,
  min(f.first_seen) as first_seen,
  max(f.last_seen) as last_seen,
  f.actor,
  case when count(*) = 1 then min(f.value) else count(*) || ' secrets' end as object,
  cast(sum(f.events) as bigint) as events,
  f.cluster,
  array_agg(distinct f.audit_id) as audit_ids,
  min(f.actor_first_seen) as identity_known_since,
  min(f.value_first_seen) as secrets_known_since,
  array_to_string(array_slice(array_sort(array_agg(distinct f.value)), 1, 50), ' ') as secrets
from first_times f
where f.feature = 'secret' and f.previous_seen is null and f.log_days >= $history_days
  and f.actor_kind in ('human', 'service_account', 'anonymous')
  and f.value_first_seen < date_trunc('day', f.first_seen)
  -- what helm keeps of each release is new with each release
  and not starts_with(split_part(f.value, '/', 2), 'sh.helm.release.v1.')
  and not in_identities('cluster_controllers', f.actor)
  and not in_identities('secret_readers', f.actor)
  and not is_routine(f.actor, 'get', 'secrets')
group by f.cluster, f.date, f.actor
