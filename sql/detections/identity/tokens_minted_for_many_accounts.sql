-- title = "Tokens minted for many service accounts"
-- status = "test"
-- severity = "high"
-- attack = ["TA0006/T1528", "TA0003/T1098"]
-- needs = "Metadata"
-- resources = ["serviceaccounts"]
-- describe = "One identity made tokens of several service accounts within an hour: whoever collects credentials does that, hardly anybody else."
-- benign = ["A program that gives out tokens: name it as operator"]
-- triage = ["Which of the tokens were used? See minted_token_used", "Delete and recreate the service accounts"]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]
-- params = { accounts = 4 }

with minted as (
  select
    *,
    coalesce(namespace, '*') || '/' || coalesce(name, '*') as account
  from sensitive
  where sensitivity = 'token' and coalesce(verb, 'create') = 'create' and outcome in ('allowed', 'unknown')
    and starts_with(username, 'system:node:') is not true
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
),
counted as (
  select
    *,
    count(distinct account) over (
      partition by cluster, username order by ts range between interval '1 hour' preceding and current row
    ) as accounts
  from minted
),
marked as (
  select
    *,
    max(accounts) over (
      partition by cluster, username order by ts range between current row and interval '1 hour' following
    ) as most_accounts
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(username, '') as actor,
  max(most_accounts) || ' accounts' as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct account)), ' ') as accounts,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent
from marked
where most_accounts >= $accounts
group by cluster, username
