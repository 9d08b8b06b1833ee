-- describe = "One row a subject of every RoleBinding and ClusterRoleBinding that was written, from the answer where it was logged, else from the request, a JSON patch included; one row with NULL for a binding without subjects."
-- reads = ["sensitive"]

select
  * except (object, subject),
  json_get_str(object, 'roleRef', 'kind') as role_kind,
  json_get_str(object, 'roleRef', 'name') as role_name,
  json_get_str(subject, 'kind') as subject_kind,
  json_get_str(subject, 'name') as subject_name,
  json_get_str(subject, 'namespace') as subject_namespace
from (
  select
    *,
    unnest(
      case
        when array_length(json_texts(object, 'subjects')) > 0 then json_texts(object, 'subjects')
        else make_array(arrow_cast(null, 'Utf8'))
      end
    ) as subject
  from (
    select
      *,
      case
        when json_get_str(response_object, 'kind') in ('RoleBinding', 'ClusterRoleBinding') then response_object
        else json_written(request_object)
      end as object
    from sensitive
    where resource in ('rolebindings', 'clusterrolebindings') and verb in ('create', 'update', 'patch')
  )
)
