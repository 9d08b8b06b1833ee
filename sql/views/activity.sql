-- describe = "What was done, in few columns and without joining stages: cheap to join with over the whole log."
-- reads = ["events"]

select
  cluster, date, ts, audit_id, stage, actor, actor_kind, client_ip, credential_id, user_agent, request_uri, username, verb,
  api_group, resource, subresource, namespace, name, outcome, auth_reason, response_code, groups, impersonated_username,
  impersonated_groups
from events
