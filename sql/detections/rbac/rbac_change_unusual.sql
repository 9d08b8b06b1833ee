-- title = "Possible abuse: roles or bindings written in an unusual way"
-- status = "experimental"
-- severity = "medium"
-- attack = [
--   "TA0003/T1098.006",
--   "TA0004/T1098.006",
-- ]
-- needs = "Metadata"
-- resources = [
--   "clusterrolebindings",
--   "rolebindings",
--   "clusterroles",
--   "roles",
-- ]
-- describe = "An identity with a history wrote roles or bindings as it never did: for the first time, in a namespace, from a network or with a program that are new for it. At least two of these are new; why says which, and how much each adds to the surprise."
-- benign = ["A pipeline that moves to another network and rolls out its first role on the same day"]
-- blind = [
--   "identities that are new themselves",
--   "thieves who work from the network, with the program and in the namespaces of their victim",
--   "deletions: see rbac_deleted_in_bulk",
-- ]
-- triage = [
--   "Who got which rights? See binding_changed and role_changed",
--   "Ask the person, by another channel",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]
-- params = { history_days = 7, bits = 8 }

with entries as (
  select
    own.cluster,
    own.date,
    own.actor,
    own.actor_days_before as days_of_the_kind,
    -- rbac_network is network
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
      and 'rbac_' || whole.feature = own.feature
      and whole.value = own.value
  where own.feature in ('rbac_namespace', 'rbac_network', 'rbac_agent') and own.log_days >= $history_days
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
    'writing roles or bindings' as what,
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
  first_value(change.audit_id order by change.ts, change.audit_id) as audit_id,
  min(change.ts) as first_seen,
  max(change.ts) as last_seen,
  change.actor,
  case
    when count(distinct change.target) = 1 then min(change.target)
    else count(distinct change.target) || ' roles and bindings'
  end as object,
  count(*) as events,
  change.cluster,
  array_agg(change.audit_id order by change.ts, change.audit_id) as audit_ids,
  reasons.why,
  round(reasons.bits, 1) as bits,
  reasons.days_known,
  array_to_string(array_sort(array_agg(distinct change.target)), ' ') as targets,
  array_to_string(array_sort(array_agg(distinct change.verb)), ',') as verbs,
  array_to_string(array_sort(array_agg(distinct change.client_ip)), ' ') as client_ips,
  min(change.user_agent) as user_agent
from reasons
join (
  select *, resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '?') as target
  from sensitive
  where sensitivity = 'rbac' and verb in ('create', 'update', 'patch') and outcome in ('allowed', 'unknown')
) change
  on change.cluster = reasons.cluster and change.date = reasons.date and change.actor = reasons.actor
where not in_identities('cluster_controllers', change.username)
  and not (in_identities('operators', change.username) and in_identities('operators', change.actor))
group by change.cluster, change.date, change.actor, reasons.why, reasons.bits, reasons.days_known
