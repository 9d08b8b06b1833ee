-- title = "Possible way past the API server: kubelet called directly"
-- status = "experimental"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0005/T1550",
-- ]
-- needs = "Request"
-- resources = ["subjectaccessreviews"]
-- describe = "A kubelet asked whether someone may use it as nodes/proxy allows: who calls the kubelet's own port leaves no other trace in the audit log than this question."
-- benign = ["Monitoring agents that read from kubelets: name their accounts as operators"]
-- blind = [
--   "callers whose answer the kubelet still has in its cache, five minutes if they may",
--   "certificates of the kubelet's own authority: the question names their holder, and that may be the API server",
-- ]
-- triage = [
--   "What may the identity do with nodes/proxy?",
--   "Is the identity used from other addresses than its own?",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  caller as actor,
  case
    when count(distinct username) = 1 then min(coalesce(username, '?'))
    else count(distinct username) || ' nodes'
  end as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct asked_verb)), ',') as verbs,
  bool_or(json_get_bool(response_object, 'status', 'allowed')) as allowed
from access_reviews
where (starts_with(username, 'system:node:') or starts_with(actor, 'system:node:'))
  and asked_resource = 'nodes' and asked_subresource = 'proxy' and caller is not null
  -- the names under which API servers call kubelets
  and caller not in ('kube-apiserver-kubelet-client', 'kube-apiserver', 'system:kube-apiserver', 'system:apiserver')
  and not in_identities('operators', caller)
group by cluster, date, caller
