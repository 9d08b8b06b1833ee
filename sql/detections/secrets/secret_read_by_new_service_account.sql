-- title = "Possible back door: a service account made to read secrets"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1136",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = ["secrets", "serviceaccounts"]
-- describe = "A service account was created and within the hour read secrets from the address of whoever created it, or with a command line tool or a script: made to be used by hand, rather than by a workload."
-- benign = ["An account for a pipeline that is tried out by hand"]
-- blind = [
--   "accounts whose names the API server made up, below the level RequestResponse",
--   "foreign_agent: away from the creator's address the agent alone tells use by hand",
--   "null_columns.sourceIPs: with a controller's agent the address alone tells use by hand",
-- ]
-- triage = [
--   "Who created the account, and which binding gave it the right?",
--   "Does a workload run under it?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]

with made as (
  select
    cluster, ts, audit_id, actor, client_ip,
    'system:serviceaccount:' || namespace || ':'
      || coalesce(name, json_get_str(response_object, 'metadata', 'name')) as account
  from sensitive
  where resource = 'serviceaccounts' and subresource is null and verb = 'create' and namespace is not null
    and outcome in ('allowed', 'unknown')
    and not in_identities('cluster_controllers', username)
)
select
  first_value(r.audit_id order by r.ts, r.audit_id) as audit_id,
  min(m.ts) as first_seen,
  max(r.ts) as last_seen,
  r.actor,
  case when count(distinct r.secret) = 1 then min(r.secret) else count(distinct r.secret) || ' secrets' end as object,
  count(distinct r.event_hash) as events,
  r.cluster,
  array_concat(array_agg(distinct m.audit_id), array_agg(distinct r.audit_id)) as audit_ids,
  min(m.actor) as created_by,
  r.client_ip,
  min(r.user_agent) as user_agent,
  array_to_string(array_slice(array_sort(array_agg(distinct r.secret)), 1, 50), ' ') as secrets
from made m
join secret_access r on r.cluster = m.cluster and r.actor = m.account
where r.ts >= m.ts and r.ts <= m.ts + interval '1 hour' and r.reads and r.outcome in ('allowed', 'unknown')
  and (
    r.client_ip = m.client_ip
    or agent_class(coalesce(r.user_agent, '')) in ('cli', 'script')
  )
group by r.cluster, r.actor, r.client_ip
