-- describe = "One row a write of a pod or of a workload that makes pods. spec: the pod spec as JSON, from the answer where it was logged, else from the request. patch: the request where it is a JSON patch. workload: resource namespace/name. owner_kind, owner_name: what made it, where the body says so."
-- reads = ["sensitive"]
-- materialise = true

select
  * except (object),
  resource || ' ' || coalesce(namespace, '*') || '/' || coalesce(
    name,
    json_get_str(object, 'metadata', 'name'),
    json_get_str(request_object, 'metadata', 'generateName'),
    '*'
  ) as workload,
  coalesce(json_get_str(spec, 'serviceAccountName'), json_get_str(spec, 'serviceAccount')) as service_account,
  json_texts(object, 'metadata', 'ownerReferences', '*', 'kind')[1] as owner_kind,
  json_texts(object, 'metadata', 'ownerReferences', '*', 'name')[1] as owner_name
from (
  select
    *,
    case
      when resource = 'pods' and json_contains(object, 'ephemeralContainers') then object
      when resource = 'pods' then json_get_json(object, 'spec')
      when resource = 'podtemplates' then json_get_json(object, 'template', 'spec')
      when resource = 'cronjobs' then json_get_json(object, 'spec', 'jobTemplate', 'spec', 'template', 'spec')
      else json_get_json(object, 'spec', 'template', 'spec')
    end as spec
  from (
    select
      *,
      case when starts_with(ltrim(request_object), '[') then request_object end as patch,
      case
        when json_get_str(response_object, 'kind') in (
          'Pod', 'Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet', 'ReplicationController', 'Job', 'CronJob',
          'PodTemplate'
        ) then response_object
        else json_written(request_object)
      end as object
    from sensitive
    where verb in ('create', 'update', 'patch')
      and resource in (
        'pods', 'deployments', 'daemonsets', 'statefulsets', 'replicasets', 'replicationcontrollers', 'jobs',
        'cronjobs', 'podtemplates'
      )
      and (subresource is null or subresource in ('ephemeralcontainers', 'resize'))
  )
)
