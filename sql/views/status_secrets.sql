-- describe = "One row a Secret that the pods of a workload use, as the last write of its status shows. Controllers write whole objects, so that this tells of workloads that were made before the log began. via: as in pod_secrets."
-- reads = ["events"]
-- materialise = true

select
  * except (use),
  substr(use, strpos(use, ' ') + 1) as secret,
  split_part(use, ' ', 1) as via
from (
  select * except (spec), unnest(spec_secrets(spec)) as use, json_get_str(spec, 'serviceAccountName') as service_account
  from (
    select
      cluster, ts, resource, namespace, name,
      json_texts(object, 'metadata', 'ownerReferences', '*', 'kind')[1] as owner_kind,
      json_texts(object, 'metadata', 'ownerReferences', '*', 'name')[1] as owner_name,
      case
        when resource = 'pods' then json_get_json(object, 'spec')
        when resource = 'cronjobs' then json_get_json(object, 'spec', 'jobTemplate', 'spec', 'template', 'spec')
        else json_get_json(object, 'spec', 'template', 'spec')
      end as spec
    from (
      select
        cluster, resource, namespace, name,
        max(ts) as ts,
        -- a patch holds nothing but the status, its answer all
        last_value(case verb when 'update' then coalesce(response_object, request_object) else response_object end order by ts)
          as object
      from events
      where subresource = 'status' and outcome = 'allowed' and (stage is distinct from 'RequestReceived')
        and resource in (
          'pods', 'deployments', 'daemonsets', 'statefulsets', 'replicasets', 'replicationcontrollers', 'jobs', 'cronjobs'
        )
        and (level = 'RequestResponse' or (level = 'Request' and verb = 'update')) and verb in ('update', 'patch')
        and namespace is not null and name is not null
      group by cluster, resource, namespace, name
    )
  )
)
