-- title = "Possible takeover of a tool through its initial password"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0004/T1078.001",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Someone read the secret in which a tool keeps the administrator's password that it made up when it was installed. It is read once, on the first day; Argo CD, Rancher and Grafana can change everything that they manage."
-- benign = ["The first log-in after the installation"]
-- blind = ["charts that were told another name"]
-- triage = [
--   "Was the tool installed just now, and by the same person?",
--   "Change the password and delete the secret",
-- ]
-- references = ["https://argo-cd.readthedocs.io/en/stable/getting_started/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  secret as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  min(user_agent) as user_agent,
  username
from secret_access
where reads and scope = 'named' and outcome in ('allowed', 'unknown')
  and coalesce(name, '') in (
    'argocd-initial-admin-secret', 'bootstrap-secret', 'prometheus-grafana', 'kube-prometheus-stack-grafana',
    'rancher-bootstrap-secret', 'gitlab-gitlab-initial-root-password', 'harbor-admin-password',
    'elasticsearch-es-elastic-user', 'grafana-admin-credentials', 'vault-unseal-keys', 'awx-admin-password'
  )
  -- the tool itself, and the kubelet that starts it
  and not (actor_kind = 'node' and impersonated_username is null)
  and not (
    coalesce(service_account_namespace, '') = namespace and agent_class(coalesce(user_agent, '')) = 'component'
    and impersonated_username is null
  )
  and not in_identities('cluster_controllers', username)
  and not in_identities('secret_readers', username)
group by cluster, date, actor, username, client_ip, secret
