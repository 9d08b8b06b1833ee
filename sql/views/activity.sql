-- describe = "What was done, in few columns and without joining stages: cheap to join with over the whole log. told: what of a request the line tells, so that requests can be counted without a set of their ids: ended, or stream_started and stream_ended of those that go on for long (each may be missing); NULL where it was only received."
-- reads = ["events"]

select
  cluster, date, ts, audit_id, stage, actor, actor_kind, client_ip, credential_id, user_agent, request_uri, username, verb,
  api_group, resource, subresource, namespace, name, outcome, auth_reason, response_code, groups, impersonated_username,
  impersonated_groups,
  case
    when stage = 'RequestReceived' then null
    when stage = 'ResponseStarted' then 'stream_started'
    when verb = 'watch' or subresource in ('exec', 'attach', 'portforward', 'proxy', 'log') then 'stream_ended'
    else 'ended'
  end as told
from events
