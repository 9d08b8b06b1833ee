-- title = "Possible use of a stolen token: secrets read with a bare HTTP client"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0006/T1552.007",
--   "TA0008/T1550.001",
-- ]
-- needs = "Metadata"
-- resources = ["secrets"]
-- describe = "Secrets were read under a workload's or node's identity with curl, wget or the default agent of a language, or by anyone with a tool made to search for credentials. Controllers are built on client libraries that say which controller they are; curl with a token from a file is what one does in somebody else's pod."
-- benign = [
--   "A sidecar or a start script that fetches a secret with curl or with Python",
-- ]
-- blind = [
--   "foreign_agent: it looks for the tool's agent, which the client chooses",
--   "null_columns.userAgent: a person's tool that gives no name",
--   "what reads the same secret at least four times over an hour or more, from one address with one agent",
-- ]
-- triage = [
--   "Does the image of the pod contain that tool, and a reason to use it?",
--   "Did someone exec into the pod before?",
-- ]
-- params = { reads = 4 }

with tools as (
  select
    *,
    -- what stands before the first slash, space or bracket
    lower(regexp_replace(coalesce(user_agent, ''), '[/ (].*$', '')) in (
      'trufflehog', 'azurehound', 'access_matrix', 'kubeletctl', 'peirates', 'kube-hunter', 'kubehunter', 'kdigger',
      'cdk', 'botb', 'kubesploit', 'micro-scanner', 'sqlmap', 'nmap', 'nuclei', 'stratus-red-team', 'leonidas'
    )
    or regexp_like(coalesce(user_agent, ''), '\bkali\b', 'i') as offensive
  from secret_access
  where reads and outcome in ('allowed', 'unknown')
),
scripts as (
  select
    *,
    count(*) over (partition by cluster, actor, client_ip, user_agent, secret) as reads_of_it,
    max(ts) over (partition by cluster, actor, client_ip, user_agent, secret)
      - min(ts) over (partition by cluster, actor, client_ip, user_agent, secret) as reads_for
  from tools
  where offensive
    or (
      actor_kind in ('service_account', 'node', 'anonymous')
      and agent_class(coalesce(user_agent, '')) = 'script'
      and not in_identities('secret_readers', username)
    )
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct secret) = 1 then min(secret) else count(distinct secret) || ' secrets' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  client_ip,
  user_agent,
  bool_or(offensive) as offensive_tool,
  array_to_string(array_slice(array_sort(array_agg(distinct secret)), 1, 50), ' ') as secrets
from scripts
where offensive or reads_of_it < $reads or reads_for < interval '1 hour'
group by cluster, date, actor, client_ip, user_agent
