-- title = "Secrets read from outside the trusted networks"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0001/T1078",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Secrets were read from an address that is in none of the networks named in the configuration (trusted, cluster, pod or node networks). Private addresses count once the cluster's own are named."
-- benign = [
--   "An office or a pipeline whose network is not in the list yet",
--   "Nodes with public addresses: name the node networks",
-- ]
-- blind = [
--   "runs without trusted networks in the configuration, in which this detection is silent",
--   "null_columns: an event without an address comes from nowhere",
-- ]
-- triage = [
--   "Whose address is it?",
--   "Was the credential used from a trusted network at the same time?",
-- ]

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
  min(source_ips[1]) as first_claimed_ip
from secret_access
where reads and outcome in ('allowed', 'unknown') and has_networks('trusted_networks')
  and (
    ip_class(client_ip) = 'public'
    -- as long as nobody said which private addresses are the cluster's, nodes and pods would all be strangers
    or (
      ip_class(client_ip) = 'private'
      and (has_networks('cluster_networks') or (has_networks('pod_networks') and has_networks('node_networks')))
    )
  )
group by cluster, date, actor, client_ip
