-- describe = "What is told of each request for Secrets, in few columns, for questions over all of the log. answer: the kind of the answer where it was logged; list: the answer where it is a list of Secrets; type, keys: of the Secret in the body, whose values are not told. selector: what a list or a watch chose by."
-- reads = ["secret_access"]
-- materialise = true

select
  cluster, ts, stage_ts, line, audit_id, actor, actor_kind, username, client_ip, user_agent, credential_id, pod_name,
  verb, outcome, response_code, resource, subresource, namespace, name, sensitivity, reads, answer,
  case
    when name is null
      then coalesce(uri_query(request_uri, 'labelSelector'), uri_query(request_uri, 'fieldSelector'))
  end as selector,
  case when answer = 'SecretList' then response_object end as list,
  json_get_str(body, 'type') as type,
  json_object_keys(body, 'data') as keys
from (
  select
    *,
    case
      when answer in ('Secret', 'SecretList') then response_object
      when verb in ('create', 'update') and json_get_str(request_object, 'kind') = 'Secret' then request_object
    end as body
  from (select *, json_get_str(response_object, 'kind') as answer from secret_access)
)
