-- title = "Possible way to a data store by port-forward"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0008/T1021",
--   "TA0009/T1213",
--   "TA0011/T1572",
-- ]
-- needs = "Metadata"
-- resources = ["pods"]
-- describe = "A tunnel was opened to a pod that is named like a database, a queue, a cache, a secrets store or the cluster's own database, or to a port that these listen on."
-- benign = ["Developers who reach a database with a client of their own"]
-- blind = [
--   "the port: kubectl sends it inside the tunnel, and only other clients in the URI",
--   "data stores under another name",
-- ]
-- triage = [
--   "Which credentials did the client use?",
--   "Is reading the data without a trace in the application allowed?",
-- ]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  case when count(distinct target) = 1 then min(target) else count(distinct target) || ' pods' end as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct target)), ' ') as pods,
  array_to_string(array_sort(array_agg(distinct ports)), ',') as ports,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    coalesce(pod, name, '?') as target,
    lower(split_part(coalesce(pod, name, '?'), '/', -1)) as short_name,
    uri_query(request_uri, 'ports') as ports
  from pod_access
  where kind in ('portforward', 'node_portforward') and outcome <> 'denied'
)
where (
    regexp_like(
      short_name,
      '(^|-)(postgres(ql)?|pg|pgbouncer|patroni|mysql|mariadb|percona|galera|mongo(db)?|redis|valkey|keydb'
      || '|memcached|cassandra|scylla'
      || '|elastic(search)?|opensearch|clickhouse|cockroach(db)?|couchdb|neo4j|influxdb|mssql|oracle|db2|minio'
      || '|kafka|rabbitmq|nats|zookeeper'
      || '|etcd|consul|vault|openbao|keycloak|ldap|database|db)(-|$)'
    )
    or regexp_like(
      ports,
      '(^|,)(1433|1521|2379|2380|3306|5432|5433|6379|6380|7000|7687|8086|8123|8200|8500|9000|9042|9092|9200|9300'
      || '|11211|26257|27017|50000)(,|$)'
    )
  )
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip
