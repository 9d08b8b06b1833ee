-- title = "A person read a secret"
-- status = "test"
-- severity = "low"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A human identity, or a command line tool under another identity, read a secret by name or the secrets of a namespace."
-- benign = ["Administrators and deployment tools at work"]
-- blind = ["foreign_agent: a workload's token in other hands is told by the tool's agent, which the client chooses"]
-- triage = ["Is the reader the owner of the secret?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  count(distinct secret) as secrets_read,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs
from secret_access
where reads and scope in ('named', 'namespace') and outcome in ('allowed', 'unknown')
  and (actor_kind in ('human', 'anonymous') or agent_class(coalesce(user_agent, '')) in ('cli', 'script'))
  -- what helm keeps of each release; the name alone excuses nothing, since whoever creates a secret chooses it
  and not (coalesce(name, '') like 'sh.helm.release.v1.%' and agent_class(coalesce(user_agent, '')) = 'component')
  and not in_identities('secret_readers', username)
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace
