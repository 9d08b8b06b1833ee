-- title = "Possible intruder: a user that is on no list"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0001/T1078"]
-- needs = "Metadata"
-- describe = "You said who your users are (known_users), and somebody else used the API server with a valid credential."
-- benign = ["A new colleague: add the name"]
-- blind = ["clusters for which nobody filled known_users"]
-- triage = ["Who gave the credential out: which certificate, or which account of the identity provider?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  username as actor,
  coalesce(client_ip, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(
    array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, uri_path(request_uri)), subresource))), ', '
  ) as requests,
  bool_or(outcome = 'allowed') as allowed,
  min(user_agent) as user_agent
from activity
where has_list('known_users')
  and not in_identities('known_users', username)
  and not in_identities('operators', username)
  and not in_identities('admin_users', username)
  and not in_identities('cluster_controllers', username)
  and starts_with(username, 'system:serviceaccount:') is not true
  and starts_with(username, 'system:node:') is not true
  and starts_with(username, 'system:bootstrap:') is not true
  and coalesce(username, '') not in ('system:anonymous', 'system:unauthenticated', 'system:aggregator')
group by cluster, date, username, client_ip
