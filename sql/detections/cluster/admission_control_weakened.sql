-- title = "Admission control switched off"
-- status = "test"
-- severity = "high"
-- attack = ["TA0005/T1562.001"]
-- needs = "Metadata"
-- resources = [
--   "mutatingwebhookconfigurations",
--   "validatingwebhookconfigurations",
--   "validatingadmissionpolicies",
--   "validatingadmissionpolicybindings",
--   "mutatingadmissionpolicies",
--   "mutatingadmissionpolicybindings",
-- ]
-- describe = "A webhook configuration, an admission policy or the binding of one was deleted, or was changed to let requests pass that it used to refuse."
-- benign = [
--   "The removal of an operator",
--   "A policy engine that deletes its webhooks when it stops",
-- ]
-- blind = [
--   "a narrower selector, scope or match condition: see webhook_changed",
--   "an update that sets failurePolicy to Ignore",
--   "at level Metadata, all but deletions",
-- ]
-- triage = [
--   "What was created since that the policy would have refused?",
--   "Was the webhook put back?",
-- ]
-- references = [
--   "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",
--   "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource || '/' || coalesce(name, '*') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct coalesce(change, '?'))), ', ') as changes,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    case
      when verb in ('delete', 'deletecollection') then verb
      when verb = 'create' then null
      -- what an update says may have been so before
      when verb = 'patch'
          and (
            json_get_str(json_written(request_object), 'spec', 'failurePolicy') = 'Ignore'
            or array_has(json_texts(json_written(request_object), 'webhooks', '*', 'failurePolicy'), 'Ignore')
          )
        then 'failurePolicy Ignore'
      when resource = 'validatingadmissionpolicybindings'
          and not array_has(
            json_texts(coalesce(response_object, json_written(request_object)), 'spec', 'validationActions'), 'Deny'
          )
        then 'validationActions without Deny'
      when array_length(json_texts(json_written(request_object), 'webhooks')) = 0
          or regexp_like(request_object, '"webhooks" *: *(\[ *\]|null)|"op" *: *"remove"[^{}]*"path" *: *"/webhooks')
          or regexp_like(request_object, '"path" *: *"/webhooks[^"]*"[^{}]*"op" *: *"remove"')
        then 'webhooks removed'
    end as change
  from sensitive
  where sensitivity = 'admission'
    and resource in (
      'mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'validatingadmissionpolicies',
      'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'
    )
)
where change is not null and outcome in ('allowed', 'unknown')
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, name
