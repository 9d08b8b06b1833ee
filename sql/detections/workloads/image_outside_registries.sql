-- title = "Possible foreign software: an image from outside the allowed registries"
-- status = "test"
-- severity = "medium"
-- attack = [
--   "TA0002/T1204.003",
--   "TA0002/T1610",
-- ]
-- needs = "Request"
-- resources = [
--   "pods",
--   "deployments",
--   "daemonsets",
--   "statefulsets",
--   "replicasets",
--   "replicationcontrollers",
--   "jobs",
--   "cronjobs",
--   "podtemplates",
-- ]
-- describe = "A workload was written with an image that the list image_registries does not have. Names are completed as the container runtime does: nginx is docker.io/library/nginx. Let the list's entries end in /* after the registry or repository. Without the list nothing is found."
-- benign = ["A registry that the list forgot"]
-- blind = [
--   "an image that was pushed to an allowed registry",
--   "workloads that were written before the log begins",
-- ]
-- triage = [
--   "Who wrote the workload?",
--   "Whose is the registry?",
-- ]
-- references = ["https://kubernetes.io/docs/concepts/containers/images/#image-names"]

select
  first_value(audit_id order by ts, audit_id) as audit_id,
  min(ts) as first_seen,
  max(ts) as last_seen,
  actor,
  full_image as object,
  count(distinct audit_id) as events,
  cluster,
  array_agg(distinct audit_id) as audit_ids,
  array_to_string(array_sort(array_agg(distinct workload)), ' ') as workloads,
  client_ip,
  min(user_agent) as user_agent
from (
  select
    *,
    case
      when strpos(image, '/') = 0 then 'docker.io/library/' || image
      when regexp_like(split_part(image, '/', 1), '[.:]|^localhost$') then image
      else 'docker.io/' || image
    end as full_image
  from pod_containers
  where image is not null and outcome in ('allowed', 'unknown')
)
where has_list('image_registries')
  and not in_identities('image_registries', full_image)
  and not in_identities('image_registries', image)
  -- the pods of a controller are as their workload
  and not in_identities('cluster_controllers', username)
group by cluster, date, actor, client_ip, full_image
