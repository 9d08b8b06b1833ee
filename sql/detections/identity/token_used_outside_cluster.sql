-- title = "Service account token used from outside the cluster"
-- status = "test"
-- severity = "high"
-- attack = [
--   "TA0006/T1528",
--   "TA0001/T1078.004",
-- ]
-- needs = "Metadata"
-- describe = "A service account acted from a public address that no node of the cluster uses: its token was taken out of the cluster."
-- benign = ["A pipeline outside that uses a service account's token: name its network as trusted"]
-- blind = [
--   "a cluster whose pods and thieves come through one load balancer address",
--   "a token that a person minted: see minted_token_used",
--   "a token that nothing else uses, for an hour or more from one address: see token_of_a_pipeline",
--   "impersonation: another credential under the account's name is not its token",
--   "null_columns.sourceIPs: it compares addresses",
-- ]
-- triage = [
--   "What did the token read from there?",
--   "Delete the pod or the token's secret, then rotate what was read",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"]
-- params = { pods = 3 }

with sources as (
  -- the nodes, the control plane and the pods, and where they speak from
  select cluster, actor_kind, coalesce(pod_uid, pod_name, actor) as source, client_ip, sum(events) as events
  from addresses
  where not impersonated
    and (actor_kind in ('node', 'control_plane') or (actor_kind = 'service_account' and pod_name is not null))
  group by cluster, actor_kind, coalesce(pod_uid, pod_name, actor), client_ip
),
homes as (
  select
    cluster,
    actor_kind,
    first_value(client_ip order by is_public_ip(client_ip), events desc, client_ip) as client_ip
  from sources
  group by cluster, actor_kind, source
),
egress as (
  -- what a node or several pods mostly come from is a load balancer or the cluster's own way out. That a stolen
  -- credential was seen there once makes an address no way out.
  select cluster, client_ip
  from homes
  group by cluster, client_ip
  having count(*) filter (where actor_kind in ('node', 'control_plane')) > 0
    or count(*) filter (where actor_kind = 'service_account') >= $pods
  union
  select cluster, client_ip
  from sources
  where actor_kind = 'node'
  group by cluster, client_ip
  having count(*) >= 2
),
pipelines as (
  -- programs outside that have a token of their own: always from one address, over hours (see token_of_a_pipeline)
  select cluster, actor
  from addresses
  where actor_kind = 'service_account' and not impersonated
  group by cluster, actor
  having count(distinct client_ip) = 1 and count(pod_name) = 0 and max(last_seen) - min(first_seen) >= interval '1 hour'
),
handed_out as (
  -- what became of a token that a person made for somebody outside is for minted_token_used to judge
  select distinct cluster, issued_credential_id
  from sensitive
  where sensitivity = 'token' and actor_kind = 'human' and impersonated_username is null
    and issued_credential_id is not null
),
outside as (
  select
    a.cluster,
    a.actor,
    a.client_ip,
    coalesce(a.credential_id, '') as credential_id,
    min(a.pod_name) as pod,
    min(a.user_agent) as user_agent
  from addresses a
  left join egress e on e.cluster = a.cluster and e.client_ip = a.client_ip
  left join pipelines p on p.cluster = a.cluster and p.actor = a.actor
  left join handed_out h on h.cluster = a.cluster and h.issued_credential_id = a.credential_id
  where a.actor_kind = 'service_account' and not a.impersonated and ip_class(a.client_ip) = 'public'
    and h.issued_credential_id is null and e.client_ip is null and p.actor is null
    and not in_identities('operators', a.actor)
  group by a.cluster, a.actor, a.client_ip, coalesce(a.credential_id, '')
)
select
  first_value(t.audit_id order by t.ts, t.audit_id) as audit_id,
  min(t.ts) as first_seen,
  max(t.ts) as last_seen,
  o.actor,
  o.client_ip as object,
  count(distinct t.audit_id) as events,
  o.cluster,
  array_agg(distinct t.audit_id) as audit_ids,
  o.client_ip,
  o.credential_id,
  o.pod,
  o.user_agent,
  array_to_string(array_sort(array_agg(distinct concat_ws(' ', t.verb, coalesce(t.resource, '-')))), ', ') as requests
from outside o
join activity t
  on t.cluster = o.cluster and t.actor = o.actor and t.client_ip = o.client_ip
  and coalesce(t.credential_id, '') = o.credential_id
group by o.cluster, o.actor, o.client_ip, o.credential_id, o.pod, o.user_agent
