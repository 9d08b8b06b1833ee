-- title = "Credential for joining nodes used for something else"
-- status = "test"
-- severity = "high"
-- attack = ["TA0004/T1078", "TA0006/T1552.007"]
-- needs = "Metadata"
-- describe = "A bootstrap token, or the user that a platform gives its kubelets before they have a certificate, did more than to join a node: it read other certificate signing requests, looked round, or was used with kubectl. It is found in the metadata of instances and makes its holder a node."
-- benign = [
--   "An administrator who tries a bootstrap token by hand",
--   "kubeadm join --control-plane, which reads the secret kubeadm-certs with it",
-- ]
-- blind = [
--   "a thief who only asks for a certificate, as a node does: see untrusted_node_joined",
--   "foreign_agent: a thief who fetches one certificate by its name, as a kubelet",
--   "null_columns.userAgent: the same without an agent",
-- ]
-- triage = ["On which machine was the credential read?", "Which certificate was asked for, and was it approved?"]
-- references = [
--   "https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/",
--   "https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(client_ip, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  min(user_agent) as user_agent,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri))))), ', '
  ) as requests
from activity
where (
    starts_with(username, 'system:bootstrap:') or username in ('kubelet-bootstrap', 'kubelet')
    or starts_with(actor, 'system:bootstrap:') or actor in ('kubelet-bootstrap', 'kubelet')
  )
  and (
    -- joining asks for one certificate by its name, for discovery, and for the settings that kubeadm keeps
    case
      when resource is null then
        not regexp_like(uri_path(request_uri), '^/(healthz|livez|readyz|version|apis?|openapi)(/|$)')
      when resource = 'certificatesigningrequests' then
        not (
          (verb = 'create' and subresource is null)
          or (verb in ('get', 'list', 'watch') and name is not null)
        )
      when resource = 'configmaps' then
        not (
          verb = 'get' and (
            (
              namespace = 'kube-system'
              and (name in ('kubeadm-config', 'kube-proxy') or starts_with(name, 'kubelet-config'))
            )
            or (namespace = 'kube-public' and name = 'cluster-info')
          )
        )
      -- kubeadm looks whether the node is there; the kubelet asks what it may do
      when resource = 'nodes' then not (verb = 'get' and subresource is null and name is not null)
      when resource in ('selfsubjectaccessreviews', 'selfsubjectreviews') then false
      else true
    end is not false
    or agent_class(user_agent) = 'cli'
  )
group by cluster, date, actor, client_ip
