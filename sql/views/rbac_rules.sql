-- describe = "One row a rule of every Role and ClusterRole that was written, from the answer where it was logged, else from the request, a JSON patch included. Rules are never paired across elements."
-- reads = ["sensitive"]
-- materialise = true

select
  * except (object),
  json_texts(rule, 'verbs') as rule_verbs,
  json_texts(rule, 'resources') as rule_resources,
  json_texts(rule, 'apiGroups') as rule_api_groups,
  json_texts(rule, 'resourceNames') as rule_names,
  json_texts(rule, 'nonResourceURLs') as rule_urls
from (
  select *, unnest(json_texts(object, 'rules')) as rule
  from (
    select
      *,
      case
        when json_get_str(response_object, 'kind') in ('Role', 'ClusterRole') then response_object
        else json_written(request_object)
      end as object
    from sensitive
    where resource in ('roles', 'clusterroles') and verb in ('create', 'update', 'patch')
  )
)
where rule is not null
