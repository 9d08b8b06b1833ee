-- title = "A person changed a secret"
-- status = "test"
-- severity = "low"
-- attack = [
--   "TA0003/T1098",
--   "TA0040/T1485",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A human identity, or a command line tool under another identity, created, changed or deleted a secret."
-- benign = ["Deployments and rotation by hand"]
-- blind = ["foreign_agent: a workload's token in other hands is told by the tool's agent, which the client chooses"]
-- triage = ["Was the change planned?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  min(secret) as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs
from secret_access
where not reads and outcome in ('allowed', 'unknown')
  and (actor_kind in ('human', 'anonymous') or agent_class(coalesce(user_agent, '')) in ('cli', 'script'))
  -- what helm keeps of each release, and kubeadm's tokens; the name alone excuses nothing, since whoever creates a
  -- secret chooses it
  and not (
    (coalesce(name, '') like 'sh.helm.release.v1.%' or coalesce(name, '') like 'bootstrap-token-%')
    and agent_class(coalesce(user_agent, '')) = 'component'
  )
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, namespace, name
