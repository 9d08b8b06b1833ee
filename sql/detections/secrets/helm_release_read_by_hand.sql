-- title = "Possible search for credentials in the releases of helm"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0009/T1213",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "The secret in which helm keeps a release was read by name with something else than helm, by a person or with a workload's token in a command line tool or script. It holds the values of the chart, passwords among them, and is easily forgotten."
-- benign = ["Someone who repairs a release that hangs"]
-- blind = [
--   "foreign_agent: helm and controllers are told by their agent, which the client chooses",
--   "lists of the namespace: see secret_read_by_hand",
-- ]
-- triage = [
--   "What do the values of these releases contain?",
--   "Did the reader deploy them?",
-- ]
-- references = ["https://helm.sh/docs/topics/advanced/#storage-backends"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' releases' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  username,
  array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 50), ' ') as secrets
from secret_access
where reads and scope = 'named' and outcome in ('allowed', 'unknown') and coalesce(name, '') like 'sh.helm.release.v1.%'
  and agent_class(coalesce(user_agent, '')) in ('cli', 'script')
  and not in_identities('cluster_controllers', username)
  and not in_identities('secret_readers', username)
group by cluster, date, actor, username, client_ip
