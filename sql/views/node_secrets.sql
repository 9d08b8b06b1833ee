-- describe = "Secrets that the pods of a node use, as its kubelet asked for them or a snapshot shows: one row a node and Secret, with when it first and last was seen."
-- reads = ["secret_requests", "inventory"]

select cluster, node, namespace, name, min(ts) as first_seen, max(ts) as last_seen
from (
  select
    -- system:node:...
    cluster, substr(actor, 13) as node, namespace, name, ts
  from secret_requests
  where actor_kind = 'node' and outcome = 'allowed' and verb in ('get', 'list', 'watch')
    and namespace is not null and name is not null
  union all
  select cluster, node, namespace, secret as name, created as ts
  from inventory
  where node is not null and secret is not null
)
group by cluster, node, namespace, name
