-- title = "Possible interception of requests by an admission webhook"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1546",
--   "TA0005/T1562",
-- ]
-- needs = "Metadata"
-- resources = [
--   "mutatingwebhookconfigurations",
--   "validatingwebhookconfigurations",
-- ]
-- describe = "A webhook, admission policy or aggregated API was created, changed or deleted: it sees, alters or refuses every request that it matches."
-- benign = ["The installation or upgrade of a policy engine or operator"]
-- triage = [
--   "Where does the webhook send requests to?",
--   "Which resources does it match? Secrets?",
-- ]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, resource || '/' || coalesce(name, '?') as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs, client_ip, min(user_agent) as user_agent
from sensitive
where sensitivity = 'admission' and resource <> 'customresourcedefinitions' and outcome in ('allowed', 'unknown')
  and actor_kind not in ('control_plane', 'node')
  and not in_identities('cluster_controllers', actor)
  and not in_identities('operators', actor)
  -- operators renew the CA bundle of their own webhooks
  and not (actor_kind = 'service_account' and verb in ('update', 'patch') and agent_class(user_agent) = 'component')
group by cluster, date, actor, client_ip, resource, name
