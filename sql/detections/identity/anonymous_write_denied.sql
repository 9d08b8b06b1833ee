-- title = "A change without any credential was refused"
-- status = "test"
-- severity = "low"
-- attack = ["TA0001/T1078.001", "TA0043/T1595"]
-- needs = "Metadata"
-- describe = "Someone without a credential tried to create, change or delete something: worms that search the Internet for open API servers begin like that."
-- benign = ["Scanners, of your own or of the Internet, where the API server is public"]
-- triage = ["Must the API server be reachable from there?", "Is the address a pod? Then who runs commands in it?"]
-- references = ["https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  coalesce(actor, 'system:anonymous') as actor,
  coalesce(client_ip, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', verb, resource, subresource))), ', ') as requests,
  min(user_agent) as user_agent
from sensitive
where actor_kind = 'anonymous' and outcome = 'denied' and resource is not null
  and coalesce(verb, '') not in ('get', 'list', 'watch', 'head', 'options')
  and sensitivity <> 'review'
group by cluster, date, actor, client_ip
