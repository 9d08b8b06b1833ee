-- describe = "Secrets that the pods of a node use, as its kubelet asked for them: one row a node and Secret, with when it first and last did."
-- reads = ["secret_requests"]

select
  -- system:node:...
  cluster, substr(actor, 13) as node, namespace, name, min(ts) as first_seen, max(ts) as last_seen
from secret_requests
where actor_kind = 'node' and outcome = 'allowed' and verb in ('get', 'list', 'watch')
  and namespace is not null and name is not null
group by cluster, actor, namespace, name
