//! The views that take bodies apart: roles, bindings, pod specs, containers, volumes and their secrets.

use serde_json::{Value, json};

use super::Bench;

fn write(resource: &str, verb: &str, more: Value) -> Value {
    let sensitivity = if resource.contains("role") { "rbac" } else { "workload" };
    let mut row = json!({"sensitivity": sensitivity, "resource": resource, "verb": verb, "namespace": "shop"});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

#[test]
fn each_rule_is_a_row_of_its_own() {
    let rules = json!([
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["db"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
    ]);
    let bench = Bench::new(&[
        write("clusterroles", "create", json!({"request_object": {"kind": "ClusterRole", "rules": rules}})),
        write("roles", "get", json!({"response_object": {"kind": "Role", "rules": rules}, "audit_id": "a-read"})),
    ]);
    assert_eq!(
        bench.rows("select rule_verbs, rule_resources, rule_names, rule_urls from rbac_rules order by rule desc"),
        [
            json!({"rule_verbs": ["get"], "rule_urls": ["/metrics"]}),
            json!({"rule_verbs": ["*"], "rule_resources": ["pods"]}),
            json!({"rule_verbs": ["get"], "rule_resources": ["secrets"], "rule_names": ["db"]}),
        ]
    );
    assert_eq!(
        bench.column(
            "select name from rbac_rules where array_has(rule_verbs, '*') and array_has(rule_resources, 'secrets')"
        ),
        Vec::<String>::new()
    );
}

#[test]
fn the_answer_is_read_only_where_it_is_the_object() {
    let object = json!({"kind": "Role", "rules": [{"verbs": ["list"]}]});
    let patch = json!([{"op": "add", "path": "/rules/-", "value": {"verbs": ["patched"]}}]);
    let status = json!({"kind": "Status", "code": 403});
    let bench = Bench::new(&[
        write("roles", "patch", json!({"audit_id": "1", "request_object": patch, "response_object": object})),
        write("roles", "patch", json!({"audit_id": "2", "request_object": patch, "response_object": status})),
        write("roles", "patch", json!({"audit_id": "3", "request_object": patch})),
        write("roles", "patch", json!({"audit_id": "4"})),
        write("roles", "create", json!({"audit_id": "5", "request_object": {"kind": "Role", "rules": null}})),
    ]);
    assert_eq!(
        bench.column("select audit_id || ' ' || array_to_string(rule_verbs, ',') from rbac_rules order by 1"),
        ["1 list", "2 patched", "3 patched"]
    );
}

#[test]
fn a_binding_has_a_row_for_each_subject_and_one_without() {
    let role = json!({"kind": "ClusterRole", "name": "admin"});
    let robot = json!({"kind": "ServiceAccount", "name": "robot", "namespace": "ci"});
    let bench = Bench::new(&[
        write(
            "rolebindings",
            "create",
            json!({"audit_id": "1", "request_object":
            {"kind": "RoleBinding", "roleRef": role, "subjects": [{"kind": "User", "name": "anna"}, robot]}}),
        ),
        write(
            "clusterrolebindings",
            "patch",
            json!({"audit_id": "2", "request_object":
            [{"op": "add", "path": "/subjects/-", "value": {"kind": "Group", "name": "all"}}]}),
        ),
        write(
            "clusterrolebindings",
            "update",
            json!({"audit_id": "3", "request_object":
            {"kind": "ClusterRoleBinding", "roleRef": role, "subjects": []}}),
        ),
        write("clusterrolebindings", "create", json!({"audit_id": "4"})),
    ]);
    assert_eq!(
        bench.column(
            "select concat_ws(' ', audit_id, coalesce(role_kind, '-'), coalesce(role_name, '-'), \
             coalesce(subject_kind, '-'), coalesce(subject_name, '-'), coalesce(subject_namespace, '-')) \
             from rbac_bindings order by 1"
        ),
        [
            "1 ClusterRole admin ServiceAccount robot ci",
            "1 ClusterRole admin User anna -",
            "2 - - Group all -",
            "3 ClusterRole admin - - -",
            "4 - - - - -",
        ]
    );
}

#[test]
fn every_workload_yields_its_pod_spec() {
    let spec = |name: &str| json!({"serviceAccountName": name, "containers": []});
    let template = |name: &str| json!({"template": {"spec": spec(name)}});
    let bench = Bench::new(&[
        write(
            "pods",
            "create",
            json!({"request_object":
            {"kind": "Pod", "metadata": {"generateName": "web-"}, "spec": spec("sa-pod")}}),
        ),
        write("deployments", "update", json!({"name": "d", "request_object": {"spec": template("sa-deployment")}})),
        write(
            "cronjobs",
            "patch",
            json!({"name": "c", "request_object":
            {"spec": {"jobTemplate": {"spec": template("sa-cron")}}}}),
        ),
        write("podtemplates", "create", json!({"name": "t", "request_object": template("sa-template")})),
        write(
            "jobs",
            "patch",
            json!({"name": "j", "request_object":
            [{"op": "replace", "path": "/spec/template/spec/serviceAccountName", "value": "sa-job"}]}),
        ),
        write(
            "daemonsets",
            "create",
            json!({"response_object":
            {"kind": "DaemonSet", "metadata": {"name": "named"}, "spec": {"template": {"spec": {"serviceAccount": "old"}}}}}),
        ),
        write(
            "deployments",
            "patch",
            json!({"name": "scaled", "subresource": "scale", "request_object": {"spec": {}}}),
        ),
        write("pods", "create", json!({"name": "metadata-only"})),
    ]);
    assert_eq!(
        bench.column(
            "select concat_ws(' ', workload, coalesce(service_account, '-'), patch is not null) from pod_specs order by 1"
        ),
        [
            "cronjobs shop/c sa-cron false",
            "daemonsets shop/named old false",
            "deployments shop/d sa-deployment false",
            "jobs shop/j sa-job true",
            "pods shop/metadata-only - false",
            "pods shop/web- sa-pod false",
            "podtemplates shop/t sa-template false",
        ]
    );
}

#[test]
fn all_kinds_of_containers_are_rows() {
    let spec = json!({
        "containers": [
            {"name": "app", "image": "web:1", "command": ["sh", "-c"], "args": ["id"],
             "securityContext": {"privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}},
             "env": [{"name": "A", "value": "x"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db"}}}],
             "envFrom": [{"secretRef": {"name": "all"}}]}
        ],
        "initContainers": [{"name": "init", "image": "init:1"}]
    });
    let bench = Bench::new(&[
        write("pods", "create", json!({"request_object": {"kind": "Pod", "spec": spec}})),
        write(
            "pods",
            "patch",
            json!({"audit_id": "a2", "subresource": "ephemeralcontainers", "request_object":
            {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}}}),
        ),
        write("pods", "create", json!({"audit_id": "a3"})),
    ]);
    assert_eq!(
        bench.rows(
            "select container_name, image, privileged, capabilities, command, args, secret_names from pod_containers \
             order by 1"
        ),
        [
            json!({"container_name": "app", "image": "web:1", "privileged": true, "capabilities": ["SYS_ADMIN"],
                   "command": "sh -c", "args": "id", "secret_names": ["db", "all"]}),
            json!({"container_name": "debug", "image": "busybox", "privileged": false, "secret_names": []}),
            json!({"container_name": "init", "image": "init:1", "privileged": false, "secret_names": []}),
        ]
    );
}

#[test]
fn volumes_and_the_secrets_of_a_pod_are_rows() {
    let spec = json!({
        "volumes": [
            {"name": "root", "hostPath": {"path": "/"}},
            {"name": "s", "secret": {"secretName": "from-volume"}},
            {"name": "p", "projected": {"sources": [{"secret": {"name": "from-projected"}}]}},
            {"name": "csi", "csi": {"nodePublishSecretRef": {"name": "from-csi"}}},
            {"name": "ceph", "cephfs": {"secretRef": {"name": "from-ceph"}}},
            {"name": "c", "configMap": {"name": "settings"}},
            {"name": "claim", "persistentVolumeClaim": {"claimName": "data"}}
        ],
        "imagePullSecrets": [{"name": "from-pull"}],
        "initContainers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "from-env"}}}]}],
        "containers": [{"envFrom": [{"secretRef": {"name": "from-env-from"}}]}]
    });
    let bench = Bench::new(&[
        write("deployments", "create", json!({"request_object": {"spec": {"template": {"spec": spec}}}})),
        write("pods", "create", json!({"audit_id": "a2", "request_object": {"spec": {"containers": []}}})),
    ]);
    assert_eq!(
        bench.rows(
            "select volume_name, host_path, secret_name, config_map, pvc from pod_volumes \
             where volume_name in ('root', 's', 'c', 'claim') order by 1"
        ),
        [
            json!({"volume_name": "c", "config_map": "settings"}),
            json!({"volume_name": "claim", "pvc": "data"}),
            json!({"volume_name": "root", "host_path": "/"}),
            json!({"volume_name": "s", "secret_name": "from-volume"}),
        ]
    );
    assert_eq!(
        bench.column("select secret || ' ' || via from pod_secrets order by 1"),
        [
            "shop/from-ceph driver",
            "shop/from-csi driver",
            "shop/from-env env",
            "shop/from-env-from env_from",
            "shop/from-projected projected",
            "shop/from-pull image_pull",
            "shop/from-volume volume",
        ]
    );
}

#[test]
fn bodies_that_a_query_does_not_ask_for_are_not_carried() {
    let bench = Bench::new(&[write("pods", "create", json!({}))]);
    let plan = bench.plan("select volume_name from pod_volumes");
    let unnest = plan.lines().find(|line| line.contains("UnnestExec")).unwrap();
    assert!(!unnest.contains("annotations"), "{plan}");
    let below = plan.lines().skip_while(|line| !line.contains("UnnestExec")).nth(1).unwrap();
    assert!(!below.contains("annotations"), "{plan}");
}
