-- Every way into a pod or node in the time, by whomever, with the Secrets that the pod uses.
select
  cluster, cast(ts as bigint) as ts, audit_id, coalesce(pod, concat_ws(' ', resource, concat_ws('/', namespace, name))) as pod, kind, container,
  command, actor, username, client_ip, user_agent, credential_id, outcome, pod_account, known_by,
  ($subject) as by_subject,
  nullif(array_to_string(array_sort(array_agg(distinct secret)), ' '), '') as secrets,
  max(workload) as workload
from pod_entries
where ts >= $since and ts < $until and ($all_clusters or cluster = $cluster)
group by
  cluster, ts, audit_id, pod, resource, namespace, name, kind, container, command, actor, username, client_ip, user_agent, credential_id, outcome,
  pod_account, known_by, ($subject)
order by ts, audit_id, pod, kind
