-- title = "Possible joining of a foreign node"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0003/T1133", "TA0006/T1552.007"]
-- needs = "Metadata"
-- resources = ["nodes"]
-- describe = "A node was added, or somebody tried to, by an identity that is not that node, or from outside the networks of nodes where these are configured. A node is given the secrets of every pod that is put on it."
-- benign = ["Virtual kubelets and simulators, which make nodes themselves: name them as operators"]
-- blind = ["a machine that joins by the usual way, from a network of nodes: see bootstrap_identity_by_hand"]
-- triage = [
--   "Is there such a machine?",
--   "Which certificate did it get, and who approved it?",
--   "Which pods were put on it?",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/node/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct outcome)), ',') as outcomes,
  min(username) as username,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where resource = 'nodes' and subresource is null and coalesce(verb, 'create') in ('create', '')
  and (
    impersonated_username is not null
    -- a kubelet makes the object of its own node
    or starts_with(username, 'system:node:') is not true
    or (name is not null and (username is distinct from 'system:node:' || name))
    -- where the nodes are is known only if someone said so
    or (has_networks('node_networks') and not in_networks('node_networks', client_ip))
  )
  and not in_identities('cluster_controllers', username)
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip, name
