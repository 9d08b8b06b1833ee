-- describe = "Days on which an identity with a history did a kind of thing as it never did: one row a day and kind (exec: entered pods; rbac: wrote roles or bindings). At least two of namespace, network, program and doing it at all are new. bits: how unlikely all of it was; why: in words, with the share of each; days_known: days before on which the identity was seen; log_days: as in first_times."
-- reads = ["first_times"]

with entries as (
  select
    own.cluster,
    own.date,
    own.actor,
    own.log_days,
    own.actor_days_before as days_of_the_kind,
    -- exec_network is network
    split_part(own.feature, '_', 1) as kind,
    whole.feature,
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
      and split_part(own.feature, '_', 2) = whole.feature
      and whole.value = own.value
  where own.feature in (
    'exec_namespace', 'exec_network', 'exec_agent', 'rbac_namespace', 'rbac_network', 'rbac_agent'
  )
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
    kind,
    feature,
    min(log_days) as log_days,
    first_value(feature || ' ' || value order by surprise desc, value) as what,
    max(surprise) as surprise,
    bool_or(is_new) as is_new
  from entries
  group by cluster, date, actor, kind, feature
  union all
  select distinct
    entries.cluster,
    entries.date,
    entries.actor,
    entries.kind,
    'first' as feature,
    entries.log_days,
    case entries.kind when 'exec' then 'entering pods' else 'writing roles or bindings' end as what,
    round(-log2(0.5 / (active.days_known + 1)), 2) as surprise,
    true as is_new
  from entries
  join active on active.cluster = entries.cluster and active.date = entries.date and active.actor = entries.actor
  where entries.days_of_the_kind = 0
),
judged as (
  select
    *,
    sum(surprise) over (partition by cluster, date, actor, kind) as bits,
    sum(case when is_new then 1 else 0 end) over (partition by cluster, date, actor, kind) as new_features
  from features
)
select
  judged.cluster,
  judged.date,
  judged.actor,
  judged.kind,
  min(judged.log_days) as log_days,
  min(judged.bits) as bits,
  min(active.days_known) as days_known,
  string_agg(
    judged.what || case when judged.is_new then ' new' else ' seldom seen' end
      || ' (' || cast(round(100 * judged.surprise / judged.bits) as bigint) || ' %)',
    ', ' order by judged.surprise desc, judged.what
  ) as why
from judged
join active on active.cluster = judged.cluster and active.date = judged.date and active.actor = judged.actor
where judged.new_features >= 2 and judged.surprise >= 0.5 and active.days_known >= 3
group by judged.cluster, judged.date, judged.actor, judged.kind
