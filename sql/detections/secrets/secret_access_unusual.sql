-- title = "Possible theft of secrets: access unlike any before"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "What was read, from which network, with which program, and that the identity reads secrets at all: each says in bits how unlikely it was by the days before, and together they are too much for chance. The finding shows what each of them adds."
-- benign = [
--   "An administrator on the first day at a new place and task",
--   "A workload that was moved and rebuilt at once",
-- ]
-- blind = [
--   "identities that are new themselves: see secret_read_by_new_service_account",
--   "kubelets: see the node_ detections",
--   "null_columns.sourceIPs: without an address there is no network",
--   "who differs in one thing only: see secret_read_first_time and secret_read_from_new_place",
-- ]
-- triage = [
--   "Which of the new things has an explanation, and does that explain the others?",
--   "What else did the identity do from there?",
-- ]
-- params = { history_days = 7, bits = 8 }

with weighed as (
  select
    *,
    case
      when feature in ('secret_network', 'network') then 'network'
      when feature in ('secret_agent', 'agent') then 'agent'
      when feature = 'secret_namespace' then 'namespace'
      else 'secret'
    end as part,
    case
      -- a secret that is new for everyone, or another network of the cluster's own, is weak evidence
      when feature = 'secret' and value_first_seen >= date_trunc('day', first_seen) then 0.25
      when feature in ('secret_network', 'network') and not is_public_ip(split_part(value, '/', 1)) then 0.25
      else 1.0
    end
    -- an identity that read no secret before has no habits with secrets: one bit each, counted once below
    * case when surprise = 1 and starts_with(feature, 'secret') then null else least(surprise, 5) end as own_bits
  from first_times
  where feature in ('secret', 'secret_namespace', 'secret_network', 'secret_agent', 'network', 'agent')
    and log_days >= $history_days and actor_kind in ('human', 'service_account', 'anonymous')
    and not in_identities('cluster_controllers', actor)
    and not in_identities('secret_readers', actor)
),
features as (
  -- what of the day has to do with secrets; a network or agent that the identity otherwise has every day counts half
  select
    cluster, date, actor, part, value,
    coalesce(avg(own_bits), 0) as bits,
    bool_or(previous_seen is null) as is_new,
    bool_and(previous_seen is null) as is_all_new,
    min(case when feature = 'secret_namespace' then surprise end) as namespace_surprise,
    min(case when feature = 'secret_namespace' then previous_seen end) as namespace_seen,
    min(case when starts_with(feature, 'secret') then audit_id end) as audit_id,
    min(case when starts_with(feature, 'secret') then first_seen end) as first_seen,
    max(case when starts_with(feature, 'secret') then last_seen end) as last_seen,
    max(case when starts_with(feature, 'secret') then events end) as events,
    min(actor_first_seen) as actor_first_seen
  from weighed
  group by cluster, date, actor, part, value
  having bool_or(starts_with(feature, 'secret'))
),
parts as (
  -- a secret brings its namespace: the two are one piece of news
  select
    cluster, date, actor,
    case when part in ('secret', 'namespace') then 'what' else part end as part,
    first_value(
      part || ' ' || value || case
        when is_all_new then ' never seen' when is_new then ' never seen with secrets' else ' seldom seen'
      end
      order by bits desc, part, value
    ) as said,
    max(bits) as bits
  from features
  -- less than half a bit is every day's
  where bits >= 0.5
  group by cluster, date, actor, case when part in ('secret', 'namespace') then 'what' else part end
  union all
  select
    cluster, date, actor, 'first' as part, 'reads secrets at all, never before' as said,
    least(round(log2(2.0 * (date_part('day', min(first_seen) - min(actor_first_seen)) + 1)), 2), 5) as bits
  from features
  where part = 'namespace'
  group by cluster, date, actor
  having max(namespace_surprise) = 1 and max(namespace_seen) is null
),
totals as (
  select *, sum(bits) over (partition by cluster, date, actor) as total
  from parts
),
days as (
  select
    cluster, date, actor,
    round(max(total), 2) as bits,
    array_to_string(
      array_agg(said || ' (' || cast(round(100 * bits / total) as bigint) || ' %)' order by bits desc, said), ', '
    ) as why
  from totals
  where total > 0
  group by cluster, date, actor
  having max(total) >= $bits
)
select
  first_value(f.audit_id order by f.first_seen, f.audit_id) as audit_id,
  min(f.first_seen) as first_seen,
  max(f.last_seen) as last_seen,
  d.actor,
  coalesce(
    nullif(
      array_to_string(
        array_slice(array_sort(array_agg(distinct case when f.part = 'secret' then f.value end)), 1, 5), ' '
      ),
      ''
    ),
    min(case when f.part = 'namespace' then 'secrets of ' || f.value end), 'secrets'
  ) as object,
  cast(max(f.events) as bigint) as events,
  d.cluster,
  array_agg(distinct f.audit_id) as audit_ids,
  min(d.why) as why,
  min(d.bits) as bits,
  array_to_string(array_sort(array_agg(distinct case when f.part = 'network' then f.value end)), ' ') as new_networks,
  array_to_string(array_sort(array_agg(distinct case when f.part = 'agent' then f.value end)), ' ') as new_agents,
  array_to_string(array_slice(array_sort(array_agg(distinct case when f.part = 'secret' then f.value end)), 1, 50), ' ')
    as new_secrets
from days d
join features f on f.cluster = d.cluster and f.date = d.date and f.actor = d.actor
-- the rest of the day is as ever
where f.is_new or f.bits >= 0.5
group by d.cluster, d.date, d.actor
