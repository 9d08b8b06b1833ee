-- title = "An identity asked whether it may do something powerful"
-- status = "test"
-- severity = "low"
-- attack = ["TA0007/T1069"]
-- needs = "Request"
-- resources = ["selfsubjectaccessreviews"]
-- describe = "Someone asked the API server whether he may read secrets, do everything, act as others, run commands in pods or change roles."
-- benign = [
--   "kubectl auth can-i by administrators",
--   "Dashboards, which ask what to show, and programs that check their rights when they start",
-- ]
-- blind = ["the list of all rights, which names none: see permission_self_check"]
-- triage = ["What did it do next?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/authorization/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct asked) > 1 then count(distinct asked) || ' rights' else min(asked) end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct asked)), ', ') as asked,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    concat_ws(
      ' ',
      json_get_str(request_object, 'spec', 'resourceAttributes', 'verb'),
      concat_ws(
        '/', json_get_str(request_object, 'spec', 'resourceAttributes', 'resource'),
        nullif(json_get_str(request_object, 'spec', 'resourceAttributes', 'subresource'), '')
      )
    ) as asked,
    json_get_str(request_object, 'spec', 'resourceAttributes', 'verb') as asked_verb,
    json_get_str(request_object, 'spec', 'resourceAttributes', 'resource') as asked_resource,
    json_get_str(request_object, 'spec', 'resourceAttributes', 'subresource') as asked_subresource
  from sensitive
  where resource = 'selfsubjectaccessreviews'
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
)
where asked_resource in ('*', 'secrets')
  or asked_verb in ('*', 'impersonate', 'escalate', 'bind')
  or (asked_resource = 'nodes' and asked_subresource = 'proxy')
  or (asked_resource = 'pods' and asked_subresource in ('exec', 'attach', '*'))
  or (asked_resource = 'serviceaccounts' and asked_subresource = 'token')
  or (
    asked_resource in ('clusterrolebindings', 'clusterroles', 'certificatesigningrequests')
    and coalesce(asked_verb, '') not in ('get', 'list', 'watch')
  )
group by cluster, date, actor, client_ip
