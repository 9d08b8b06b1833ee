-- title = "Possible blinding: an agent of security or logging was removed"
-- status = "test"
-- severity = "medium"
-- attack = ["TA0005/T1562.001"]
-- needs = "Metadata"
-- resources = [
--   "daemonsets",
--   "deployments",
--   "statefulsets",
--   "namespaces",
-- ]
-- describe = "A workload that watches, logs or refuses was deleted, scaled to nothing, or given a node selector, on whose nodes alone it would run; or its namespace was deleted."
-- benign = [
--   "A change to another agent",
--   "The upgrade of a chart that replaces its workloads",
-- ]
-- blind = [
--   "agents of other names",
--   "the configuration of an agent: see critical_config_changed",
--   "scaling to nothing, and selectors, at level Metadata",
-- ]
-- triage = [
--   "Did the agent come back?",
--   "What happened while it was gone? See log_gap",
-- ]
-- references = ["https://attack.mitre.org/techniques/T1562/001/"]

with changes as (
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, outcome, resource, namespace, name,
    case
      when verb in ('delete', 'deletecollection') then 'deleted'
      when json_get_int(json_written(request_object), 'spec', 'replicas') = 0 then 'scaled to 0'
      when verb = 'patch'
          and array_length(json_texts(json_written(request_object), 'spec', 'template', 'spec', 'nodeSelector')) > 0
        then 'node selector'
    end as change
  from sensitive
  where resource in ('deployments', 'daemonsets', 'statefulsets', 'namespaces')
    and sensitivity in ('workload', 'config')
  union all
  select
    cluster, date, ts, audit_id, actor, username, client_ip, user_agent, outcome, resource, namespace, name,
    case when json_get_int(json_written(request_object), 'spec', 'replicas') = 0 then 'scaled to 0' end as change
  from requests
  where resource in ('deployments', 'statefulsets') and subresource = 'scale' and verb in ('update', 'patch', 'create')
)
select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  resource || ' ' || coalesce(namespace || '/', '') || coalesce(name, '*') as object,
  count(*) as events,
  cluster,
  array_agg(audit_id order by ts, audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct change)), ', ') as changes,
  client_ip,
  min(user_agent) as user_agent
from changes
where change is not null and outcome in ('allowed', 'unknown')
  and (
    (resource is distinct from 'namespaces') and regexp_like(
      name,
      '^('
      || 'falco|datadog|vector|alloy|opa|polaris|promtail|fluentd|filebeat|auditbeat|logstash|kyverno|kubescape|tetragon'
      || '|tracee|kubearmor|([a-z0-9-]+-)?(falco-[a-z-]+|falcosidekick|sysdig-agent|datadog-agent|aqua-enforcer'
      || '|twistlock-defender-ds|neuvector-[a-z-]+|wazuh-agent|microsoft-defender-[a-z-]+|falcon-(node-)?sensor'
      || '|sentinelone-agent|s1-agent|cilium-agent|fluent-?bit|fluent-?bit-[a-z0-9-]+|fluentd-[a-z0-9-]+|splunk-[a-z0-9-]+'
      || '|grafana-agent|ama-logs|ama-logs-rs|omsagent|cloudwatch-agent|aws-guardduty-agent|guardduty-agent'
      || '|gke-metrics-agent|node-exporter|otel-collector|opentelemetry-collector|kyverno-[a-z-]+'
      || '|gatekeeper-(controller-manager|audit)|kubewarden-[a-z-]+|trivy-operator)'
      || ')$'
    )
    or case when resource = 'namespaces' then coalesce(name, namespace) else namespace end in (
      'falco', 'tetragon', 'kubearmor', 'sysdig-agent', 'datadog', 'aqua', 'twistlock', 'stackrox', 'neuvector', 'wazuh',
      'falcon-system', 'amazon-guardduty', 'amazon-cloudwatch', 'logging', 'fluent-bit', 'openshift-logging', 'kyverno',
      'gatekeeper-system', 'opa', 'kubewarden', 'trivy-system', 'kubescape'
    )
  )
  and starts_with(username, 'system:node:') is not true
  and not in_identities('cluster_controllers', username)
  and not (in_identities('operators', username) and in_identities('operators', actor))
group by cluster, date, actor, client_ip, resource, namespace, name
