-- title = "Possible look at what a stolen service account may do"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0007/T1069", "TA0007/T1613"]
-- needs = "Metadata"
-- describe = "A service account asked for the list of its rights, or for one of them with a command line tool or a script: the first step with a stolen token."
-- benign = [
--   "kubectl auth can-i in a pipeline: name its account as operator",
--   "A dashboard that signs in with a service account",
-- ]
-- blind = ["foreign_agent: a question for a single right in the name of a component"]
-- triage = ["Does the address belong to the account's pods?", "What did it do next?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/authorization/"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(client_ip, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct resource)), ', ') as reviews,
  array_to_string(
    array_sort(
      array_agg(
        distinct concat_ws(
          ' ',
          json_get_str(request_object, 'spec', 'resourceAttributes', 'verb'),
          json_get_str(request_object, 'spec', 'resourceAttributes', 'resource'),
          json_get_str(request_object, 'spec', 'resourceAttributes', 'namespace')
        )
      )
    ), ', '
  ) as asked,
  min(pod_name) as pod,
  min(user_agent) as user_agent
from sensitive
where sensitivity = 'review' and outcome in ('allowed', 'unknown')
  and (actor_kind = 'service_account' or starts_with(username, 'system:serviceaccount:'))
  and (
    -- programs ask for single rights; the list of all is for whoever does not know what he holds
    resource = 'selfsubjectrulesreviews'
    or coalesce(agent_class(user_agent), 'script') in ('cli', 'script')
  )
  and not in_identities('cluster_controllers', username)
  and not in_identities('operators', username)
group by cluster, date, actor, client_ip
