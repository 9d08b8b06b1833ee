-- title = "Possible guessing of the names of secrets"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0007/T1613",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Within 15 minutes one identity, or one address where no identity is known, asked by name for many different secrets that it was refused or that do not exist. A role that allows get without list is searched in this way."
-- benign = ["An operator that lost its role, or whose objects name secrets that are gone"]
-- blind = ["fewer names than the threshold in each window: see secret_access_denied"]
-- triage = [
--   "Which names did it get in the end?",
--   "Do the names look like a word list?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]
-- params = { names = 15 }

with misses as (
  select
    *,
    -- nobody is named in a 401, and everybody is called the same without a credential
    case
      when actor_kind in ('anonymous', 'unauthenticated') then coalesce(client_ip, '') else coalesce(actor, '')
    end as who
  from secret_access
  where reads and scope = 'named' and (outcome = 'denied' or coalesce(response_code, 0) = 404)
    and not in_identities('cluster_controllers', username)
),
counted as (
  select
    *,
    count(distinct secret) over (
      partition by cluster, actor_kind, who order by ts
      range between interval '15 minutes' preceding and current row
    ) as names
  from misses
),
guesses as (
  select
    *,
    max(names) over (
      partition by cluster, actor_kind, who order by ts
      range between current row and interval '15 minutes' following
    ) as most_names
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  min(actor) as actor,
  count(distinct secret) || ' names' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  max(most_names) as names_in_15_minutes,
  count(*) filter (where outcome = 'denied') as refused,
  count(*) filter (where outcome <> 'denied') as not_found,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent,
  array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 50), ' ') as secrets
from guesses
where most_names >= $names
group by cluster, actor_kind, who
