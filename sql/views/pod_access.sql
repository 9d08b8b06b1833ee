-- describe = "Ways into a running pod, service or node. kind: exec, attach, portforward, ephemeralcontainers, proxy, node_exec, node_run, node_attach, node_portforward or node_proxy."
-- reads = ["sensitive"]

select
  * except (kubelet_verb),
  case
    when resource <> 'nodes' then subresource
    when kubelet_verb in ('exec', 'run', 'attach', 'portforward') then 'node_' || kubelet_verb
    else 'node_proxy'
  end as kind,
  -- the kubelet's paths are /exec/{namespace}/{pod}/{container} and /exec/{namespace}/{pod}/{uid}/{container}
  case
    when resource = 'pods' then coalesce(namespace, '*') || '/' || coalesce(name, '*')
    when kubelet_verb in ('exec', 'run', 'attach', 'portforward', 'containerlogs')
      then uri_segment(request_uri, 7) || '/' || uri_segment(request_uri, 8)
  end as pod,
  case
    when resource = 'pods' then uri_query(request_uri, 'container')
    when kubelet_verb in ('exec', 'run', 'attach', 'containerlogs')
      then coalesce(uri_segment(request_uri, 10), uri_segment(request_uri, 9))
  end as container,
  exec_command as command
from (
  select
    *,
    -- /api/v1/nodes/{node}/proxy/{verb}... and, in old clusters, /api/v1/proxy/nodes/{node}/{verb}...
    case when resource = 'nodes' then lower(uri_segment(request_uri, 6)) end as kubelet_verb,
    case
      when resource = 'nodes'
        then regexp_replace(uri_path(request_uri), '^/api/v1/(nodes/[^/]+/proxy|proxy/nodes/[^/]+)', '')
    end as kubelet_path
  from sensitive
  where (resource = 'pods' and subresource in ('exec', 'attach', 'portforward', 'proxy'))
    or (resource = 'pods' and subresource = 'ephemeralcontainers'
      and (verb is null or verb not in ('get', 'list', 'watch')))
    or (resource in ('services', 'nodes') and subresource = 'proxy')
)
