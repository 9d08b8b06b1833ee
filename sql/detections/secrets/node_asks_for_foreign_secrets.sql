-- title = "Stolen kubelet identity asks for the secrets of others"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0008/T1550",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A node asked for secrets without naming one, which no kubelet does, or was refused several within ten minutes: a node may read what its own pods mount and nothing else, so whoever holds its certificate finds out by trying."
-- benign = ["A kubelet of long ago, or one that a cloud vendor changed"]
-- blind = [
--   "two refusals or fewer in each window, as happen when pods come and go: see secret_access_denied",
--   "whoever knows which secrets the node's pods mount",
-- ]
-- triage = [
--   "Do the requests come from the node's own address?",
--   "Which of the secrets did it get? Rotate these, and the node's certificate",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/node/"]
-- params = { refused = 3 }

with asked as (
  select
    *,
    case when outcome = 'denied' and scope = 'named' then secret end as refused_secret
  from secret_access
  where actor_kind = 'node' and reads and (scope <> 'named' or outcome = 'denied')
),
counted as (
  select
    *,
    count(distinct refused_secret) over (
      partition by cluster, actor order by ts
      range between interval '10 minutes' preceding and current row
    ) as refused
  from asked
),
windows as (
  select
    *,
    max(refused) over (
      partition by cluster, actor order by ts
      range between current row and interval '10 minutes' following
    ) as most_refused
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent,
  min(username) as username,
  count(*) filter (where scope <> 'named') as unnamed_requests,
  count(distinct refused_secret) as refused_secrets,
  array_to_string(array_sort(array_agg(distinct outcome)), ',') as outcomes,
  array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 50), ' ') as secrets
from windows
where scope <> 'named' or most_refused >= $refused
group by cluster, actor
