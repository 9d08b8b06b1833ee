-- title = "A component's user agent with another identity"
-- status = "test"
-- severity = "low"
-- attack = ["TA0005/T1036"]
-- needs = "Metadata"
-- describe = "The user agent says kubelet, scheduler, API server or controller manager, the credential says someone else, and something sensitive was asked for."
-- benign = ["Tools built from the component's code"]
-- blind = ["null_columns.userAgent: it looks at nothing else"]
-- triage = ["Who owns the credential?"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct resource) = 1 then min(resource) else count(distinct resource) || ' resources' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  user_agent,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', verb, coalesce(resource, '-')))), ', ') as requests
from sensitive
where (actor_kind in ('human', 'service_account', 'anonymous') or impersonated_username is not null)
  and regexp_like(user_agent, '^(kubelet|kube-scheduler|kube-apiserver|kube-controller-manager)/')
  and not in_identities('cluster_controllers', username)
  -- a kubelet that joins the cluster
  and coalesce(username, '') not like 'system:bootstrap:%'
group by cluster, date, actor, client_ip, user_agent
