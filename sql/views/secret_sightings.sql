-- describe = "What the log tells of each Secret that it names: one row a time. state: created, present, deleted, absent (an answer of 404), or named where something refers to it, which proves little. type, keys: where a body was logged; its values are not."
-- reads = ["secret_requests", "pod_secrets", "objects", "status_secrets", "inventory"]
-- materialise = true

with items as (
  select cluster, ts, line, verb, namespace, unnest(json_texts(list, 'items')) as item
  from secret_requests
  where outcome = 'allowed' and list is not null
)
select
  cluster, ts, line, namespace, name,
  case
    when outcome = 'failed' and response_code = 404 then 'absent'
    when outcome = 'failed' and response_code = 409 and verb = 'create' then 'present'
    when verb = 'delete' then 'deleted'
    when verb = 'create' or response_code = 201 then 'created'
    else 'present'
  end as state,
  type, keys
from secret_requests
where namespace is not null and name is not null
  and (
    (outcome = 'allowed' and verb in ('get', 'create', 'update', 'patch', 'delete'))
    -- an empty list is an answer too, but a kubelet asks only for what its pods refer to
    or (outcome = 'allowed' and verb in ('list', 'watch') and actor_kind = 'node')
    or (outcome = 'failed' and response_code = 404 and verb in ('get', 'update', 'patch', 'delete'))
    or (outcome = 'failed' and response_code = 409 and verb = 'create')
  )
union all
select
  cluster, ts, line,
  coalesce(json_get_str(item, 'metadata', 'namespace'), namespace) as namespace,
  json_get_str(item, 'metadata', 'name') as name,
  case verb when 'deletecollection' then 'deleted' else 'present' end as state,
  json_get_str(item, 'type') as type,
  json_object_keys(item, 'data') as keys
from items
where json_get_str(item, 'metadata', 'name') is not null
  and coalesce(json_get_str(item, 'metadata', 'namespace'), namespace) is not null
union all
select
  cluster, ts, line, namespace, split_part(secret, '/', 2) as name, 'named' as state,
  arrow_cast(null, 'Utf8') as type, arrow_cast(null, 'List(Utf8)') as keys
from pod_secrets
where outcome = 'allowed' and namespace is not null
union all
select
  cluster, created as ts, null as line, namespace, secret as name, 'named' as state,
  arrow_cast(null, 'Utf8') as type, arrow_cast(null, 'List(Utf8)') as keys
from inventory
where secret is not null
union all
select
  cluster, ts, null as line, namespace, secret as name, 'named' as state,
  arrow_cast(null, 'Utf8') as type, arrow_cast(null, 'List(Utf8)') as keys
from status_secrets
union all
select
  cluster, ts, line, namespace, name, 'named' as state,
  case resource when 'serviceaccounts' then null else 'kubernetes.io/tls' end as type,
  arrow_cast(null, 'List(Utf8)') as keys
from (
  select cluster, ts, line, namespace, resource, unnest(names) as name
  from (
    select
      cluster, ts, line, namespace, resource,
      case resource
        when 'ingresses' then json_texts(object, 'spec', 'tls', '*', 'secretName')
        when 'certificates' then json_texts(object, 'spec', 'secretName')
        else array_concat(
          coalesce(json_texts(object, 'secrets', '*', 'name'), arrow_cast(make_array(), 'List(Utf8)')),
          coalesce(json_texts(object, 'imagePullSecrets', '*', 'name'), arrow_cast(make_array(), 'List(Utf8)'))
        )
      end as names
    from (
      select
        cluster, ts, line, namespace, resource,
        coalesce(response_object, json_written(request_object)) as object
      from objects
      where resource in ('serviceaccounts', 'ingresses', 'certificates') and namespace is not null
    )
  )
)
where name is not null
