-- title = "A pod was created in a system namespace"
-- status = "test"
-- severity = "info"
-- attack = ["TA0005/T1036.005"]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "A pod was created in kube-system, kube-public or kube-node-lease: one finding an identity and address, as context."
-- benign = ["Every restart of a component"]
-- triage = ["Which workload does it belong to?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  namespace as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip
from sensitive
where resource = 'pods' and subresource is null and verb = 'create' and outcome in ('allowed', 'unknown')
  and namespace in ('kube-system', 'kube-public', 'kube-node-lease')
group by cluster, date, actor, client_ip, namespace
