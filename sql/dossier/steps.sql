-- What the subject did that is told one by one, in bursts: the same thing from the same address within ten minutes.
select
  cluster, kind, verb, resource, subresource, namespace, outcome, actor, client_ip, user_agent, credential_id,
  -- both views have one row a request
  count(*) as requests,
  count(distinct name) as names,
  min(name) as name,
  max(exec_command) as command,
  max(issued_credential_id) as issued,
  cast(min(ts) as bigint) as first_seen,
  cast(max(ts) as bigint) as last_seen,
  first_value(audit_id order by ts, audit_id) as audit_id
from (
  select
    cluster, verb, resource, subresource, namespace, name, outcome, actor, client_ip, user_agent, credential_id, ts,
    audit_id, exec_command, issued_credential_id,
    case
      when outcome = 'denied' then 'denied'
      when issued_credential_id is not null then 'minted'
      else sensitivity
    end as kind
  from sensitive
  where (resource is distinct from 'secrets') and $subject
  union all
  select
    cluster, verb, resource, subresource, namespace, name, outcome, actor, client_ip, user_agent, credential_id, ts,
    audit_id, null as exec_command, null as issued_credential_id,
    case when outcome = 'denied' then 'denied' else sensitivity end as kind
  from secret_requests
  where $subject
)
group by
  cluster, kind, verb, resource, subresource, namespace, outcome, actor, client_ip, user_agent, credential_id,
  date_bin(interval '10 minutes', ts)
order by first_seen, kind, verb, resource, subresource, namespace, client_ip, outcome
