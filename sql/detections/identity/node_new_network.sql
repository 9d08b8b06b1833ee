-- title = "Possible use of a node's credential elsewhere"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0004/T1078", "TA0006/T1649"]
-- needs = "Metadata"
-- describe = "A node that is known for days came from a network that it never came from before. Nodes keep their addresses; a copied kubelet certificate reads the secrets of all pods on the node."
-- benign = ["A node that moved, or whose way to the API server changed"]
-- blind = [
--   "the first week of a log",
--   "null_columns.sourceIPs: it compares networks",
--   "a thief on the node, or in its network",
-- ]
-- triage = ["Has the node really another address?", "What was read under its name from there?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/node/"]
-- params = { history_days = 7, days = 3 }

select
  first_value(audit_id order by first_seen, audit_id) as audit_id,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  actor,
  array_to_string(array_sort(array_agg(distinct value)), ' ') as object,
  cast(sum(events) as bigint) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  max(surprise) as surprise
from first_times
where feature = 'network' and actor_kind = 'node'
  and log_days >= $history_days and previous_seen is null and actor_days_before >= $days
group by cluster, date, actor
