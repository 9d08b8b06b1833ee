-- describe = "Refused requests with a program that the identity was not seen with until that day: one row a request. agent: the program without its version; agent_days: days on which the identity was seen with any program; log_days: days that the cluster's log goes back."
-- reads = ["baseline", "sensitive"]

with known as (
  select cluster, actor, value, min(date) as first_date
  from baseline
  where feature = 'agent'
  group by cluster, actor, value
),
actors as (
  select cluster, actor, count(distinct date) as agent_days from baseline where feature = 'agent' group by cluster, actor
),
logs as (
  select cluster, min(date) as first_date from baseline group by cluster
),
denied as (
  select
    s.*,
    split_part(s.user_agent, '/', 1) as agent,
    cast(cast(s.date as date) - cast(l.first_date as date) as bigint) as log_days
  from sensitive s
  join logs l on l.cluster = s.cluster
  where s.outcome = 'denied' and s.user_agent is not null and s.resource is not null
)
select d.*, a.agent_days
from denied d
join actors a on a.cluster = d.cluster and a.actor = d.actor
left join known k on k.cluster = d.cluster and k.actor = d.actor and k.value = d.agent and k.first_date <= d.date
where k.value is null
