-- title = "Cluster under attack: one hand, many kinds of attack"
-- status = "test"
-- severity = "critical"
-- attack = ["TA0006/T1552.007", "TA0004/T1098.006", "TA0002/T1609", "TA0003/T1098"]
-- needs = "Metadata"
-- describe = "Within 24 hours one identity, or several from one public address, did three or more of: probing, reading all secrets, running commands for credentials, giving rights, minting tokens, forging certificates, opening a node, changing admission, removing traces, taking a powerful name."
-- benign = ["An administrator who sets up a cluster by hand: name him in admin_users"]
-- blind = [
--   "an attacker who changes identity and address at every step: the single detections show the steps",
--   "foreign_agent: a service account inside, under its program's agent",
--   "null_columns.sourceIPs: several identities are put together by their address",
-- ]
-- triage = [
--   "Take the identity's rights away now, then read its other findings in order of time",
--   "Which secrets were read? Rotate them",
--   "What was left behind: bindings, accounts, workloads, webhooks, certificates?",
-- ]
-- references = ["https://attack.mitre.org/matrices/enterprise/containers/"]
-- params = { kinds = 3, kinds_of_masters = 5 }

with acts as (
  select cluster, ts, audit_id, username, actor, client_ip, user_agent, groups,
    case
      when outcome = 'denied' then
        case
          when sensitivity in ('rbac', 'token', 'node_proxy', 'certificate', 'admission')
            or (sensitivity = 'secret' and scope = 'cluster') then 'probing'
        end
      when resource = 'selfsubjectrulesreviews' and actor_kind = 'service_account' then 'probing'
      when sensitivity = 'secret' and scope = 'cluster'
        and coalesce(verb, '') not in ('create', 'update', 'patch', 'delete') then 'all secrets read'
      when sensitivity = 'node_proxy' and subresource = 'proxy' then 'commands'
      when sensitivity = 'exec' and subresource in ('exec', 'attach') and (
          actor_kind = 'service_account' or namespace = 'kube-system'
          or regexp_like(exec_command, '(serviceaccount|/etc/shadow|/etc/kubernetes|/\.kube|/\.aws|/\.ssh|/environ)')
        ) then 'commands'
      when sensitivity = 'token' and (
          namespace in ('kube-system', 'kube-public', 'kube-node-lease')
          or (
            actor_kind = 'service_account'
            and (
              actor is distinct from 'system:serviceaccount:' || coalesce(namespace, '') || ':' || coalesce(name, '')
            )
          )
        ) then 'tokens minted'
      when sensitivity = 'certificate' and (subresource = 'approval' or actor_kind = 'service_account')
        then 'certificates'
      when resource = 'events' and sensitivity = 'config' then 'traces removed'
      when sensitivity = 'admission' and resource in (
          'mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'validatingadmissionpolicies',
          'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'
        ) then 'admission changed'
      when impersonated_username is not null and (
          starts_with(impersonated_username, 'system:') or array_has(impersonated_groups, 'system:masters')
        ) then 'powerful name assumed'
    end as act
  from sensitive
  where outcome in ('allowed', 'unknown', 'denied')
    -- a program's own work is no attack, however much it may
    and (
      actor_kind in ('human', 'anonymous')
      or impersonated_username is not null
      or coalesce(agent_class(user_agent), 'script') in ('cli', 'script')
      or ip_class(client_ip) = 'public'
    )
  union all
  select cluster, ts, audit_id, username, actor, client_ip, user_agent, groups, 'rights given' as act
  from rbac_bindings
  where outcome in ('allowed', 'unknown')
    and (
      role_name = 'cluster-admin'
      or subject_name in ('system:anonymous', 'system:unauthenticated', 'system:authenticated')
    )
  union all
  select cluster, ts, audit_id, username, actor, client_ip, user_agent, groups, 'rights given' as act
  from rbac_rules
  where outcome in ('allowed', 'unknown')
    and (
      (array_has(rule_verbs, '*') and array_has(rule_resources, '*'))
      or array_has(rule_verbs, 'escalate') or array_has(rule_verbs, 'impersonate')
    )
  union all
  select cluster, ts, audit_id, username, actor, client_ip, user_agent, groups, 'node opened' as act
  from pod_dangers
  where outcome in ('allowed', 'unknown')
    and (
      kind in ('privileged', 'hostPID', 'hostProcess')
      or (kind = 'hostPath' and value in ('/', '/etc', '/var', '/root'))
    )
),
keyed as (
  -- who changes his identity may keep his address
  select
    *,
    unnest(make_array(username, case when ip_class(client_ip) = 'public' then 'address ' || client_ip end)) as who
  from acts
  where act is not null
    -- a service account's rollout of its application has its own program's agent
    and (
      starts_with(username, 'system:serviceaccount:') is not true
      or coalesce(agent_class(user_agent), 'script') in ('cli', 'script')
      or ip_class(client_ip) = 'public'
    )
    and starts_with(username, 'system:node:') is not true
    and not in_identities('cluster_controllers', username)
    and not in_identities('operators', username)
),
counted as (
  select
    *,
    count(distinct act) over (
      partition by cluster, who order by ts range between interval '24 hours' preceding and current row
    ) as acts
  from keyed
  where who is not null
),
marked as (
  select
    *,
    max(acts) over (
      partition by cluster, who order by ts range between current row and interval '24 hours' following
    ) as most
  from counted
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  who as actor,
  max(most) || ' kinds of attack' as object,
  count(*) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct act)), ', ') as acts,
  array_to_string(array_sort(array_agg(distinct username)), ' ') as usernames,
  array_to_string(array_sort(array_agg(distinct client_ip)), ' ') as client_ips,
  min(user_agent) as user_agent
from marked
-- who looks after the cluster does some of it
where most >= case
  when starts_with(who, 'address ') then $kinds
  when array_has(groups, 'system:masters') or array_has(groups, 'kubeadm:cluster-admins')
    or in_identities('admin_users', username) then $kinds_of_masters
  else $kinds
end
group by cluster, who
having not starts_with(who, 'address ') or count(distinct username) > 1
