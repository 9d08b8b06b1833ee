-- title = "Source address claimed to be another"
-- status = "test"
-- severity = "low"
-- attack = ["TA0005/T1090"]
-- needs = "Metadata"
-- describe = "A sensitive request came from a public address and said that it was sent from an internal or trusted one: a proxy of yours, or a forged X-Forwarded-For."
-- benign = [
--   "A reverse proxy in front of the API server",
--   "kubectl proxy, which may add the loopback address",
-- ]
-- blind = ["null_columns.sourceIPs: it compares addresses"]
-- triage = ["Is the last address a proxy of yours?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  client_ip as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(first_value(source_ips order by ts, audit_id), ' ') as source_ips,
  min(user_agent) as user_agent
from sensitive
where source_ips_disagree and sensitivity in ('secret', 'exec', 'node_proxy', 'rbac', 'token')
  and ip_class(client_ip) = 'public'
  and ip_class(source_ips[1]) in ('loopback', 'private', 'pod', 'node', 'cluster', 'trusted')
group by cluster, date, actor, client_ip
