-- title = "Possible exposure of an administrative application or a database"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0001/T1133",
--   "TA0001/T1190",
-- ]
-- needs = "Request"
-- resources = [
--   "services",
--   "ingresses",
-- ]
-- describe = "A dashboard, console, notebook or database was given a load balancer, a port of every node, or an ingress. Such applications are made for the inside and often ask for no password."
-- benign = [
--   "Applications behind a proxy that asks who one is",
--   "A load balancer inside the network, where says_internal tells the truth",
-- ]
-- blind = [
--   "applications of other names on other ports",
--   "gateways and routes that are custom resources",
--   "the gateway of a mesh, but for the one of Kubeflow",
-- ]
-- triage = [
--   "Can it be reached from the Internet, and does it ask for a password?",
--   "Is the exposure planned?",
-- ]
-- references = [
--   "https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer",
--   "https://docs.aws.amazon.com/guardduty/latest/ug/guardduty-finding-types-eks-audit-logs.html",
-- ]

with kubeflow as (
  select distinct cluster
  from activity
  where namespace = 'kubeflow'
),
services as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, outcome, namespace, name,
    json_get_str(object, 'spec', 'type') as how,
    json_texts(object, 'spec', 'selector', '*') as selected,
    json_texts(object, 'spec', 'ports', '*', 'port') as ports,
    json_texts(object, 'spec', 'ports', '*', 'targetPort') as targets,
    array_to_string(json_texts(object, 'spec', 'loadBalancerSourceRanges'), ' ') as source_ranges,
    regexp_like(object, '[iI]nternal"? *: *"(true|[iI]nternal|0\.0\.0\.0/0)"|load-balancer-(type|scheme)" *: *"[iI]nternal') as says_internal
  from (
    select
      *,
      case
        when json_get_str(response_object, 'kind') = 'Service' then response_object
        else json_written(request_object)
      end as object
    from sensitive
    where resource = 'services' and sensitivity = 'config' and verb in ('create', 'update', 'patch')
  )
  where json_get_str(object, 'spec', 'type') in ('LoadBalancer', 'NodePort')
),
ingresses as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, outcome, namespace, name,
    'Ingress' as how,
    array_concat(
      coalesce(json_texts(object, 'spec', 'rules', '*', 'http', 'paths', '*', 'backend', 'service', 'name'), make_array()),
      coalesce(json_texts(object, 'spec', 'rules', '*', 'http', 'paths', '*', 'backend', 'serviceName'), make_array()),
      coalesce(json_texts(object, 'spec', 'defaultBackend', 'service', 'name'), make_array())
    ) as selected,
    arrow_cast(make_array(), 'List(Utf8)') as ports,
    arrow_cast(make_array(), 'List(Utf8)') as targets,
    arrow_cast(null, 'Utf8') as source_ranges,
    false as says_internal
  from (
    select
      *,
      case
        when json_get_str(response_object, 'kind') = 'Ingress' then response_object
        else json_written(request_object)
      end as object
    from sensitive
    where resource = 'ingresses' and sensitivity = 'config' and verb in ('create', 'update', 'patch')
  )
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  coalesce(namespace, '*') || '/' || coalesce(name, '?') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct how)), ', ') as how,
  array_to_string(array_sort(array_agg(distinct array_to_string(ports, ' '))), ', ') as ports,
  min(source_ranges) as source_ranges,
  -- by an annotation, which another platform ignores
  bool_or(says_internal) as says_internal,
  client_ip,
  min(user_agent) as user_agent
from (
  select * from services
  union all
  select * from ingresses
) exposures
where outcome in ('allowed', 'unknown')
  and (
    regexp_like(
      concat_ws(' ', name, array_to_string(selected, ' ')),
      '(^| )('
        || 'kubernetes-dashboard|dashboard|headlamp|octant|portainer|weave-scope[a-z-]*|kubecost'
        || '|kubeflow|centraldashboard|ml-pipeline-ui|jupyter[a-z-]*|notebook[a-z-]*|mlflow|ray-head|airflow[a-z-]*|argo-server'
        || '|jenkins|consul|consul-ui|etcd|minio'
        || '|redis|redis-master|redis-[a-z-]+|postgres|postgresql|postgres-[a-z-]+|mysql|mariadb|mongo|mongodb|cassandra'
        || '|elasticsearch|opensearch|kibana|memcached|rabbitmq|zookeeper|kafka|clickhouse|neo4j|couchdb|influxdb'
        || '|prometheus|prometheus-[a-z-]+|alertmanager|jaeger-query|hubble-ui|longhorn-frontend|traefik-dashboard'
        || '|phpmyadmin|pgadmin[0-9]?|adminer|mongo-express|redis-commander|spark-master|hadoop[a-z-]*|selenium[a-z-]*'
        || ')( |$)'
    )
    -- what has a sign-in of its own is meant for an ingress
    or (how is distinct from 'Ingress') and regexp_like(
      concat_ws(' ', name, array_to_string(selected, ' ')),
      '(^| )(rancher|argocd-server|gitea|gitlab|nexus|harbor|vault|minio-console|grafana|kiali|keycloak)( |$)'
    )
    -- Kubeflow, and the gateway of the mesh in front of it
    or namespace = 'kubeflow'
    or name in ('istio-ingressgateway', 'kubeflow-gateway') and exists (
      select 1 from kubeflow k where k.cluster = exposures.cluster
    )
    or array_has_any(
      array_concat(coalesce(ports, make_array()), coalesce(targets, make_array())), make_array(
        '2375', '2376', '2379', '2380', '3306', '5432', '5601', '5984', '6379', '6380', '7474', '8200', '8265',
        '8500', '9042', '9092', '9200', '9300', '10250', '11211', '15672', '26379', '27017'
      )
    )
  )
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, namespace, name
