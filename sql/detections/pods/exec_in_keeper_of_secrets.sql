-- title = "Possible takeover of a program that keeps secrets"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0002/T1609",
--   "TA0006/T1555",
--   "TA0004/T1078",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "Someone entered a pod of a program that reads or writes the secrets of others: a secrets store or its operator, GitOps, backup, certificates, build systems, an identity provider. Its service account or its memory has what they have."
-- benign = ["The people who run these programs: name them as operators"]
-- blind = ["programs under other names: pods and namespaces are known by the names that their manifests use"]
-- triage = [
--   "Which secrets may the pod's service account read?",
--   "Was its token used from elsewhere since? See token_foreign_address",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  pod as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct kind)), ',') as kinds,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  client_ip,
  min(user_agent) as user_agent
from pod_access
where kind in ('exec', 'attach', 'ephemeralcontainers', 'node_exec', 'node_run', 'node_attach') and outcome <> 'denied'
  and regexp_like(
    pod,
    '(^|[/-])(external-secrets|vault|openbao|sealed-secrets(-controller)?|secrets-store-csi-driver|conjur'
    || '|infisical|doppler'
    || '|cert-manager|argocd|argo-cd|argo-workflows|flux-system|fleet|velero|kasten-io|jenkins|gitlab-runner'
    || '|tekton-pipelines'
    || '|actions-runner(-system|-controller)?|arc-systems|buildkite|drone|atlantis|crossplane(-system)?|spinnaker'
    || '|keycloak|dex|teleport|boundary|rancher|cattle-system|spire-(server|agent)|bitwarden|harbor)([/-]|$)'
  )
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, pod
