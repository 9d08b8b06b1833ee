-- title = "A service account works from outside only"
-- status = "test"
-- severity = "low"
-- attack = ["TA0001/T1078.004"]
-- needs = "Metadata"
-- describe = "All that a service account did came from one public address, for an hour or more and without a pod: a pipeline or a script that was given a long-lived token."
-- benign = ["Deployment from a hosted pipeline: name its network as trusted"]
-- blind = [
--   "logs of less than an hour",
--   "impersonation: another credential under the account's name is not its token",
--   "other_stage.RequestReceived: events counts the lines of the log",
-- ]
-- triage = ["Does the token expire?", "Could the pipeline use a federated identity?"]

select
  first_value(audit_id order by first_seen, audit_id) as audit_id,
  min(first_seen) as first_seen,
  max(last_seen) as last_seen,
  actor,
  min(client_ip) as object,
  cast(sum(events) as bigint) as events,
  cluster,
  min(user_agent) as user_agent
from addresses
where actor_kind = 'service_account' and not impersonated
group by cluster, actor
having count(distinct client_ip) = 1 and count(pod_name) = 0 and ip_class(min(client_ip)) = 'public'
  and max(last_seen) - min(first_seen) >= interval '1 hour'
