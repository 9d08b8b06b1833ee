-- title = "A component's user agent with another identity"
-- status = "test"
-- severity = "low"
-- attack = ["TA0005/T1036"]
-- needs = "Metadata"
-- describe = "The user agent says kubelet, scheduler or controller manager, the credential says someone else, and secrets, exec or RBAC were touched."
-- benign = ["Tools built from the component's code"]
-- triage = ["Who owns the credential?"]

select
  first_value(audit_id order by ts) as audit_id, min(ts) as first_seen, max(ts) as last_seen, actor, min(resource) as object, count(*) as events, cluster, array_agg(audit_id order by ts) as audit_ids, client_ip, user_agent
from sensitive
where actor_kind in ('human', 'service_account', 'anonymous')
  and regexp_like(user_agent, '^(kubelet|kube-scheduler|kube-apiserver|kube-controller-manager)/')
  and not in_identities('cluster_controllers', actor)
  and coalesce(actor, '') not like 'system:bootstrap:%'
group by cluster, date, actor, client_ip, user_agent
