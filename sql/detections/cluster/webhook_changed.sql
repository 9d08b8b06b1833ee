-- title = "Possible interception of requests by an admission webhook"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0003/T1546",
--   "TA0005/T1562",
-- ]
-- needs = "Metadata"
-- resources = [
--   "mutatingwebhookconfigurations",
--   "validatingwebhookconfigurations",
--   "validatingadmissionpolicies",
--   "validatingadmissionpolicybindings",
--   "mutatingadmissionpolicies",
--   "mutatingadmissionpolicybindings",
--   "apiservices",
--   "customresourcedefinitions",
-- ]
-- describe = "A webhook, admission policy, aggregated API or converting CustomResourceDefinition was created, changed or deleted: it sees, alters or refuses every request that it matches."
-- benign = ["The installation or upgrade of a policy engine or operator"]
-- blind = [
--   "foreign_agent: at level Metadata, an update by a service account whose client names itself as a component; see agent_contradicts_identity",
--   "a CustomResourceDefinition with a conversion webhook, at level Metadata",
-- ]
-- triage = [
--   "Where does the webhook send requests to?",
--   "Which resources does it match? Secrets?",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct verb)), ',') as verbs,
  client_ip,
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'admission' and outcome in ('allowed', 'unknown')
  -- of CustomResourceDefinitions, those whose objects pass through a webhook
  and (
    (resource is distinct from 'customresourcedefinitions')
    or json_get_str(json_written(request_object), 'spec', 'conversion', 'strategy') = 'Webhook'
  )
  -- operators renew the CA bundle of their own webhooks
  and (
    actor_kind = 'service_account'
    and impersonated_username is null
    and verb in ('update', 'patch')
    and case
      when request_object is null then agent_class(user_agent) = 'component'
      -- which call them in their own namespace, and nobody outside the cluster
      when json_texts(json_written(request_object), 'webhooks', '*', 'clientConfig', 'url') is not null
          or json_contains(json_written(request_object), 'spec', 'conversion', 'webhook', 'clientConfig', 'url')
        then false
      when username = 'system:serviceaccount:cert-manager:cert-manager-cainjector' then true
      else array_length(array_remove_all(
        array_concat(
          coalesce(
            json_texts(json_written(request_object), 'webhooks', '*', 'clientConfig', 'service', 'namespace'), make_array()
          ),
          coalesce(json_texts(json_written(request_object), 'spec', 'service', 'namespace'), make_array()),
          coalesce(
            json_texts(
              json_written(request_object), 'spec', 'conversion', 'webhook', 'clientConfig', 'service', 'namespace'
            ), make_array()
          )
        ), service_account_namespace
      )) is not distinct from 0
    end
  ) is not true
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, name
