-- title = "Possible stolen kubeconfig: one person read secrets from several networks"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0001/T1078",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A person's identity read secrets from public addresses of several networks (the first two numbers of an IPv4 address, the first three of an IPv6 one) within an hour. People are in one place at a time."
-- benign = [
--   "Someone who turns the VPN on or off, or goes from the office's network to a telephone's",
--   "A pipeline whose runners come from a cloud's wide ranges",
-- ]
-- blind = [
--   "null_columns.sourceIPs: without addresses there are no places",
--   "workloads' tokens: see token_foreign_address and token_used_outside_cluster",
-- ]
-- triage = [
--   "Whose networks are these?",
--   "Is one of them new for the identity?",
-- ]
-- params = { networks = 2 }

with reads as (
  select
    *,
    case
      when regexp_like(client_ip, '^[0-9]+[.]') then regexp_replace(client_ip, '^([0-9]+[.][0-9]+)[.].*$', '\1')
      else regexp_replace(client_ip, '^([0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F]*):.*$', '\1')
    end as network
  from secret_access
  where reads and outcome in ('allowed', 'unknown') and is_public_ip(client_ip) and ip_class(client_ip) = 'public'
    -- replicas of a workload come from many nodes, which may have public addresses
    and actor_kind = 'human'
    and not in_identities('cluster_controllers', username)
    and not in_identities('secret_readers', username)
),
counted as (
  select
    *,
    count(distinct network) over (
      partition by cluster, actor order by ts range between interval '1 hour' preceding and current row
    ) as networks
  from reads
),
windows as (
  select
    *,
    max(networks) over (
      partition by cluster, actor order by ts range between current row and interval '1 hour' following
    ) as most_networks
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  max(most_networks) || ' networks' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  array_to_string(array_sort(array_agg(distinct credential_id)), ' ') as credential_ids,
  min(user_agent) as user_agent,
  min(username) as username,
  array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 50), ' ') as secrets
from windows
where most_networks >= $networks
group by cluster, actor
