-- title = "Possible transfer to or from the Internet through exec"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0011/T1105",
--   "TA0010/T1567",
--   "TA0010/T1048",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "The command of an exec names a public address, or a URL of a host that is not of the cluster."
-- benign = [
--   "Tests of the way out by people who run the service",
--   "Calls inside the cluster by short names with dots: replica.service.namespace, or service.namespace where the namespace is called like a top-level domain",
-- ]
-- blind = [
--   "a shell in which the command is typed: the log shows the shell only",
--   "hosts in variables",
--   "hosts of two names whose last is not among the top-level domains listed here",
-- ]
-- triage = [
--   "What was sent or fetched?",
--   "Who owns the host?",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1567/"]

with words as (
  select
    *,
    regexp_like(plain, '(^|[ /;|&(`])(curl|wget|fetch|aria2c|lwp-download|httpie|scp|sftp|rsync|ftp|tftp|nc|ncat'
      || '|socat|ssh)( |$)')
      as is_transfer,
    unnest(string_to_array(regexp_replace(plain, '[\s=,;|&<>()`]+', ' ', 'g'), ' ')) as word
  from pod_commands
  where outcome <> 'denied'
    and regexp_like(plain, '[a-z]:/|[0-9]\.[0-9]|::|[a-z]\.[a-z]')
),
hosts as (
  select
    *,
    -- what stands before an @ is a name for a login, not the host
    coalesce(
      regexp_match(word, '[a-z]:/{1,2}(?:[^/@]*@)?\[([0-9a-f:.]+)\]')[1],
      regexp_match(word, '[a-z]:/{1,2}(?:[^/@]*@)?([^/?#:]+)')[1],
      regexp_match(word, '^(?:[^@/]+@)?\[?([0-9]{1,3}(?:\.[0-9]{1,3}){3})\]?(?:[:/].*)?$')[1],
      regexp_match(word, '^(?:[^@/]+@)?\[?([0-9a-f]{1,4}:[0-9a-f:]*:[0-9a-f:]*)\]?(?:/.*)?$')[1],
      case
        when is_transfer
          then regexp_match(
            word, '^(?:[^@/]+@)?((?:[a-z0-9_-]+\.)+(?:com|net|org|io|dev|me|co|ru|cn|xyz|top|info|site|online'
              || '|app|cloud))(?:[:/].*)?$'
          )[1]
      end
    ) as host
  from words
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(pod, name, '?') as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct host)), ' ') as hosts,
  array_to_string(array_sort(array_agg(distinct command)), ' | ') as commands,
  client_ip,
  min(user_agent) as user_agent
from hosts
where is_public_ip(host)
  -- an address as one number
  or regexp_like(host, '^([0-9]{8,10}|0x[0-9a-f]{8})$')
  or (
    regexp_like(
      host,
      '^([a-z0-9_-]+\.){2,}[a-z][a-z0-9-]*\.?$'
      || '|^[a-z0-9_-]+\.([a-z]{2}|com|net|org|info|biz|dev|app|xyz|top|site|online|cloud|sh|live|store|club|icu'
      || '|run|link)\.?$'
    )
    -- endings that no name of the Internet has
    and not regexp_like(host, '\.(svc|local|internal|localhost|test|invalid|home\.arpa)\.?$')
  )
group by cluster, date, actor, client_ip, coalesce(pod, name, '?')
