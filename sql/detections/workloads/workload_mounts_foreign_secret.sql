-- title = "Possible theft of another application's secret by mounting it"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0002/T1610",
-- ]
-- needs = "Request"
-- resources = [
--   "pods",
--   "jobs",
--   "cronjobs",
-- ]
-- describe = "A pod written by hand uses a secret that another application uses, which needs no right to read secrets."
-- benign = ["A migration job of the same application under another name"]
-- blind = ["a pod that bears the name of the application whose secret it takes"]
-- triage = [
--   "Who owns the secret?",
--   "Was there an exec into the pod? See pod_exec",
-- ]

with uses as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, resource, workload, service_account, secret,
    -- the name without what a ReplicaSet and generateName add
    regexp_replace(
      regexp_replace(
        coalesce(name, json_get_str(request_object, 'metadata', 'generateName'), workload),
        '-[a-z0-9]{5,10}-[a-z0-9]{5}$', ''
      ),
      '-([a-z0-9]{8,10}-?)?$', ''
    ) as application
  from pod_secrets
  where outcome in ('allowed', 'unknown') and (via is distinct from 'image_pull')
),
readers as (
  -- service accounts that read the secret through the API count as its applications too
  select distinct cluster, secret, service_account_name as application
  from secret_access
  where reads and scope = 'named' and outcome = 'allowed' and actor_kind = 'service_account'
)
select
  first_value(u.audit_id order by u.ts, u.audit_id) as audit_id,
  min(u.ts) as first_seen,
  max(u.ts) as last_seen,
  u.actor,
  u.workload || ' uses ' || u.secret as object,
  count(distinct u.audit_id) as events,
  u.cluster,
  array_agg(distinct u.audit_id) as audit_ids,
  u.client_ip,
  min(u.user_agent) as user_agent,
  min(coalesce(o.application, r.application)) as other_application
from uses u
left join uses o
  on o.cluster = u.cluster and o.secret = u.secret
  and o.application <> u.application and (o.actor is distinct from u.actor)
left join readers r
  on r.cluster = u.cluster and r.secret = u.secret
  and r.application <> u.application and r.application <> coalesce(u.service_account, 'default')
where u.resource in ('pods', 'jobs', 'cronjobs')
  and (o.application is not null or r.application is not null)
  and starts_with(u.username, 'system:node:') is not true
  and not in_identities('cluster_controllers', u.username)
  and not (in_identities('operators', u.username) and in_identities('operators', u.actor))
group by u.cluster, u.date, u.actor, u.client_ip, u.workload, u.secret
