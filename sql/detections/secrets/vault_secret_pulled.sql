-- title = "Possible theft from the vault behind the cluster"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1555.006",
--   "TA0006/T1552.007",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Someone wrote an object that has an operator fetch a value from an outside vault into a secret (ExternalSecret, VaultStaticSecret and the like), and read secrets of that namespace within the hour. The operator may read more of the vault than the namespace should: a store for the whole cluster gives everyone its rights."
-- benign = ["Someone who sets up an application's secrets and looks whether they arrived"]
-- blind = [
--   "who lets a pod mount the secret instead of reading it",
--   "foreign_agent: a workload's token in other hands is told from a controller by the agent",
-- ]
-- triage = [
--   "Which value of the vault does the object name, and whose is it?",
--   "Which namespaces may use the store?",
-- ]
-- references = ["https://external-secrets.io/latest/guides/security-best-practices/"]

with written as (
  select cluster, actor, namespace, min(ts) as ts, min(audit_id) as audit_id, resource, name
  from activity
  where resource in (
      'externalsecrets', 'clusterexternalsecrets', 'vaultstaticsecrets', 'vaultdynamicsecrets', 'vaultpkisecrets',
      'hcpvaultsecretsapps', 'onepassworditems', 'azurekeyvaultsecrets', 'infisicalsecrets'
    )
    and subresource is null and (verb is not null and verb in ('create', 'update', 'patch'))
    and outcome in ('allowed', 'unknown') and (stage is distinct from 'RequestReceived')
    and (actor_kind in ('human', 'anonymous') or agent_class(coalesce(user_agent, '')) in ('cli', 'script'))
  group by cluster, actor, namespace, resource, name, date_bin(interval '10 minutes', ts)
)
select
  first_value(s.audit_id order by s.ts, s.audit_id) as audit_id,
  min(w.ts) as first_seen,
  max(s.ts) as last_seen,
  s.actor,
  case when count(distinct s.secret) = 1 then min(s.secret) else count(distinct s.secret) || ' secrets' end as object,
  count(distinct s.event_hash) as events,
  s.cluster,
  array_concat(array_agg(distinct w.audit_id), array_agg(distinct s.audit_id)) as audit_ids,
  array_to_string(
    array_sort(array_agg(distinct w.resource || ' ' || coalesce(w.namespace, '*') || '/' || coalesce(w.name, '*'))),
    ', '
  ) as written,
  array_to_string(array_sort(array_agg(distinct s.client_ip)), ' ') as client_ips,
  min(s.user_agent) as user_agent,
  min(s.username) as username
from written w
join secret_access s
  on s.cluster = w.cluster and (s.actor is not distinct from w.actor) and s.ts >= w.ts
    and s.ts <= w.ts + interval '1 hour'
where s.reads and s.outcome in ('allowed', 'unknown')
  -- what concerns the cluster may fill any namespace, and who lists all gets all
  and (w.namespace is null or s.namespace is null or s.namespace = w.namespace)
group by s.cluster, s.date, s.actor
