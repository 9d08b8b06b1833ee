-- describe = "The questions that kubelets, aggregated API servers and other webhooks ask the API server: who may do what. One row a line of the log. caller, asked_verb, asked_resource, asked_subresource, asked_namespace, asked_name: who wants to do what; NULL below level Request."
-- reads = ["events"]

select
  *,
  json_get_str(request_object, 'spec', 'user') as caller,
  json_get_str(request_object, 'spec', 'resourceAttributes', 'verb') as asked_verb,
  json_get_str(request_object, 'spec', 'resourceAttributes', 'resource') as asked_resource,
  json_get_str(request_object, 'spec', 'resourceAttributes', 'subresource') as asked_subresource,
  json_get_str(request_object, 'spec', 'resourceAttributes', 'namespace') as asked_namespace,
  json_get_str(request_object, 'spec', 'resourceAttributes', 'name') as asked_name
from events
where resource = 'subjectaccessreviews'
