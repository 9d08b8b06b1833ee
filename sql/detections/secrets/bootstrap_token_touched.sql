-- title = "Possible theft of a bootstrap token"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0003/T1136",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "A bootstrap token in kube-system was read, created or changed. Whoever has one may ask for the certificate of a node, and a node reads the secrets of its pods."
-- benign = [
--   "A node that joins: kubeadm token create, and kubeadm upload-certs",
--   "Cluster API and other machine controllers, which make a token for each machine",
-- ]
-- triage = [
--   "Did a node join that somebody expected?",
--   "Is the token deleted now?",
-- ]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' tokens' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  username,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs
from secret_access
where namespace = 'kube-system' and outcome in ('allowed', 'unknown') and (verb is distinct from 'delete')
  and coalesce(name, json_get_str(json_written(request_object), 'metadata', 'name'), '') like 'bootstrap-token-%'
  and not in_identities('cluster_controllers', username)
  and not in_identities('secret_readers', username)
group by cluster, date, actor, username, client_ip
