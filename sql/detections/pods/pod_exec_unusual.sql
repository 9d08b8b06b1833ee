-- title = "Possible intruder: pods entered in an unusual way"
-- status = "experimental"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0008/T1021",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "An identity with a history entered pods as it never did: for the first time, in a namespace, from a network or with a program that are new for it. At least two of these are new; why says which, and how much each adds to the surprise."
-- benign = [
--   "The first incident of someone who is on the road",
--   "A new duty of a person",
-- ]
-- blind = [
--   "identities that are new themselves",
--   "thieves who work from the network, with the program and in the namespaces of their victim",
--   "kubelets: see node_proxy_exec",
-- ]
-- triage = [
--   "Ask the person, by another channel",
--   "Which secrets do the pods hold? See exec_in_pod_with_secrets",
-- ]
-- params = { history_days = 7, bits = 8 }

with entries as (
  select
    own.cluster,
    own.date,
    own.actor,
    own.actor_days_before as days_of_the_kind,
    -- exec_network is network
    substr(own.feature, 6) as feature,
    own.value,
    -- a value that the identity is seen with otherwise is less of a surprise, until it has a habit
    case
      when own.actor_days_before >= 3 then greatest(own.surprise, whole.surprise)
      else whole.surprise
    end as surprise,
    whole.days_before = 0 or (own.actor_days_before >= 3 and own.days_before = 0) as is_new
  from first_times own
  join first_times whole
    on whole.cluster = own.cluster
      and whole.date = own.date
      and whole.actor = own.actor
      and 'exec_' || whole.feature = own.feature
      and whole.value = own.value
  where own.feature in ('exec_namespace', 'exec_network', 'exec_agent') and own.log_days >= $history_days
),
active as (
  select cluster, date, actor, max(actor_days_before) as days_known
  from first_times
  where feature = 'operation'
  group by cluster, date, actor
),
features as (
  -- of several values of a feature the most surprising
  select
    cluster,
    date,
    actor,
    feature,
    first_value(feature || ' ' || value order by surprise desc, value) as what,
    max(surprise) as surprise,
    bool_or(is_new) as is_new
  from entries
  group by cluster, date, actor, feature
  union all
  select distinct
    entries.cluster,
    entries.date,
    entries.actor,
    'first' as feature,
    'entering pods' as what,
    round(-log2(0.5 / (active.days_known + 1)), 2) as surprise,
    true as is_new
  from entries
  join active on active.cluster = entries.cluster and active.date = entries.date and active.actor = entries.actor
  where entries.days_of_the_kind = 0
),
judged as (
  select
    *,
    sum(surprise) over (partition by cluster, date, actor) as bits,
    sum(case when is_new then 1 else 0 end) over (partition by cluster, date, actor) as new_features
  from features
),
reasons as (
  select
    judged.cluster,
    judged.date,
    judged.actor,
    min(judged.bits) as bits,
    min(active.days_known) as days_known,
    string_agg(
      judged.what || case when judged.is_new then ' new' else ' seldom seen' end
        || ' (' || cast(round(100 * judged.surprise / judged.bits) as bigint) || ' %)',
      ', ' order by judged.surprise desc, judged.what
    ) as why
  from judged
  join active on active.cluster = judged.cluster and active.date = judged.date and active.actor = judged.actor
  where judged.bits >= $bits and judged.new_features >= 2 and judged.surprise >= 0.5 and active.days_known >= 3
  group by judged.cluster, judged.date, judged.actor
)
select
  first_value(entry.audit_id order by entry.ts, entry.audit_id) as audit_id,
  min(entry.ts) as first_seen,
  max(entry.ts) as last_seen,
  entry.actor,
  case when count(distinct entry.pod) = 1 then min(entry.pod) else count(distinct entry.pod) || ' pods' end as object,
  count(*) as events,
  entry.cluster,
  array_agg(entry.audit_id order by entry.ts, entry.audit_id) as audit_ids,
  reasons.why,
  round(reasons.bits, 1) as bits,
  reasons.days_known,
  array_to_string(array_sort(array_agg(distinct entry.pod)), ' ') as pods,
  array_to_string(array_sort(array_agg(distinct entry.kind)), ',') as kinds,
  array_to_string(array_sort(array_agg(distinct entry.command)), ' | ') as commands,
  array_to_string(array_sort(array_agg(distinct entry.client_ip)), ' ') as client_ips,
  min(entry.user_agent) as user_agent
from reasons
join pod_access entry
  on entry.cluster = reasons.cluster and entry.date = reasons.date and entry.actor = reasons.actor
where entry.resource = 'pods' and entry.outcome in ('allowed', 'unknown')
  and not (in_identities('operators', entry.username) and in_identities('operators', entry.actor))
group by entry.cluster, entry.date, entry.actor, reasons.why, reasons.bits, reasons.days_known
