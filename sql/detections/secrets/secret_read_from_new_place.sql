-- title = "Possible stolen credential: secrets read from a place never seen before"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0001/T1078",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A service account that reads secrets day after day read them from a public network that it never came from, or under the name of a program that it never used; or a person listed secrets from a public network that is new for them. A program does not move or change its name; a token that was copied does both."
-- benign = [
--   "A controller that was replaced by another one under the same account",
--   "A person who travels",
-- ]
-- blind = [
--   "private networks, where pods move from node to node: see token_foreign_address",
--   "identities that read secrets on less than three days before",
--   "null_columns.sourceIPs: without an address there is no network",
--   "null_columns.userAgent: without an agent there is no program",
-- ]
-- triage = [
--   "Whose network is it, and does the usual place go on reading meanwhile?",
--   "Revoke the credential; rotate what was read",
-- ]
-- params = { history_days = 7 }

with node_networks as (
  select distinct cluster, value as network from first_times where feature = 'network' and actor_kind = 'node'
),
places as (
  select f.*, f.feature = 'secret_network' as is_network
  from first_times f
  left join node_networks n on n.cluster = f.cluster and n.network = f.value and f.feature = 'secret_network'
  where f.feature in ('secret_network', 'secret_agent') and f.previous_seen is null and f.log_days >= $history_days
    -- three bits: on three days before, or more, it read secrets from elsewhere
    and f.surprise >= 3
    and (
      (f.feature = 'secret_agent' and f.actor_kind = 'service_account')
      -- nodes may have public addresses, new ones every day
      or (
        f.feature = 'secret_network' and f.actor_kind in ('service_account', 'human') and n.network is null
        and is_public_ip(split_part(f.value, '/', 1))
        and not in_networks('trusted_networks', split_part(f.value, '/', 1))
      )
    )
    and not in_identities('cluster_controllers', f.actor)
)
select
  first_value(s.audit_id order by s.ts, s.audit_id) as audit_id,
  min(s.ts) as first_seen,
  max(s.ts) as last_seen,
  s.actor,
  array_to_string(array_sort(array_agg(distinct p.value)), ', ') as object,
  count(distinct s.event_hash) as events,
  s.cluster,
  array_agg(distinct s.audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct case when p.is_network then p.value end)), ' ') as new_networks,
  array_to_string(array_sort(array_agg(distinct case when not p.is_network then p.value end)), ' ') as new_agents,
  array_to_string(array_sort(array_agg(distinct s.client_ip)), ' ') as client_ips,
  min(s.user_agent) as user_agent,
  min(s.username) as username,
  array_to_string(array_slice(array_sort(array_agg(distinct s.secret)), 1, 50), ' ') as secrets
from places p
join secret_access s on s.cluster = p.cluster and s.date = p.date and s.actor = p.actor
where s.reads and s.outcome in ('allowed', 'unknown')
  and case
    when p.is_network then subnet(s.client_ip) = p.value else split_part(s.user_agent, '/', 1) = p.value
  end
  and (s.actor_kind = 'service_account' or s.scope <> 'named')
group by s.cluster, s.date, s.actor
