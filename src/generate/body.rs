//! Bodies of requests and answers: JSON templates with `<name>` for what varies. `<` never occurs in such JSON
//! otherwise, because Go writes it as `\u003c`.

use uuid::Uuid;

use super::cluster::Cluster;
use super::cluster::catalog::Spec;
use super::write;

/// The template with each `<name>` replaced by its value, which must be valid where it stands in the JSON.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(before);
        let (name, after) = behind.split_once('>').unwrap_or((behind, ""));
        let value = values.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        debug_assert!(value.is_some(), "no value for <{name}>");
        out.push_str(value.unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A time of objects: whole seconds.
pub(crate) fn seconds(micros: i64) -> String {
    let mut out = self::micros(micros);
    out.truncate("2026-01-15T00:00:00".len());
    out + "Z"
}

/// A time with all its digits.
pub(crate) fn micros(micros: i64) -> String {
    let mut out = Vec::with_capacity(27);
    write::time(&mut out, micros);
    String::from_utf8(out).unwrap_or_default()
}

/// What the body of a workload or a pod is made of.
pub(crate) struct Shape<'a> {
    pub(crate) spec: &'static Spec,
    pub(crate) name: &'a str,
    pub(crate) uid: Uuid,
    pub(crate) version: u64,
    /// When the object was created.
    pub(crate) created: i64,
    /// Now.
    pub(crate) at: i64,
    /// The rollout that the image belongs to.
    pub(crate) generation: usize,
}

const CONTAINER: &str = r#"{"name":"<app>","image":"registry.example.com/<ns>/<app>:<tag>","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"env":[{"name":"LOG_LEVEL","value":"info"},{"name":"POD_IP","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"status.podIP"}}}],"resources":{"limits":{"memory":"512Mi"},"requests":{"cpu":"100m","memory":"256Mi"}},<mounts>"readinessProbe":{"httpGet":{"path":"/ready","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent","securityContext":{"capabilities":{"drop":["ALL"]},"runAsNonRoot":true,"allowPrivilegeEscalation":false}}"#;

/// The pod specification in the template of a workload.
pub(crate) fn template_spec(spec: &Spec, generation: usize) -> String {
    pod_spec(spec, generation, "", "")
}

/// A pod specification; `access` names the volume of the token, which admission adds, `placed` what the scheduler and
/// admission add.
fn pod_spec(spec: &Spec, generation: usize, access: &str, placed: &str) -> String {
    let mut volumes = vec![fill(
        r#"{"name":"config","configMap":{"name":"<config>","defaultMode":420}}"#,
        &[("config", spec.config)],
    )];
    let mut mounts = vec![r#"{"name":"config","readOnly":true,"mountPath":"/etc/app"}"#.to_owned()];
    for secret in spec.secrets {
        let names = [("secret", *secret)];
        volumes.push(fill(r#"{"name":"<secret>","secret":{"secretName":"<secret>","defaultMode":420}}"#, &names));
        mounts.push(fill(r#"{"name":"<secret>","readOnly":true,"mountPath":"/etc/secret/<secret>"}"#, &names));
    }
    if !access.is_empty() {
        let names = [("access", access)];
        volumes.push(fill(r#"{"name":"<access>","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}"#, &names));
        mounts.push(fill(
            r#"{"name":"<access>","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}"#,
            &names,
        ));
    }
    let mounts = format!(r#""volumeMounts":[{}],"#, mounts.join(","));
    let tag = format!("1.{generation}.0");
    let container = fill(CONTAINER, &[("app", spec.name), ("ns", spec.namespace), ("tag", &tag), ("mounts", &mounts)]);
    let tail = r#""restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"<app>","serviceAccount":"<app>",<placed>"securityContext":{"fsGroup":2000},"schedulerName":"default-scheduler""#;
    let tail = fill(tail, &[("app", spec.name), ("placed", placed)]);
    format!(r#"{{"volumes":[{}],"containers":[{container}],{tail}}}"#, volumes.join(","))
}

const WORKLOAD_META: &str = r#"{"name":"<name>","namespace":"<ns>","uid":"<uid>","resourceVersion":"<version>","generation":<generation>,"creationTimestamp":"<created>","labels":{"app.kubernetes.io/instance":"<app>","app.kubernetes.io/name":"<app>"},"annotations":{"deployment.kubernetes.io/revision":"<generation>"}<managed>}"#;

const WORKLOAD_MANAGED: &str = r#","managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"apps/v1","time":"<now>","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:availableReplicas":{},"f:conditions":{".":{},"k:{\"type\":\"Available\"}":{".":{},"f:lastTransitionTime":{},"f:lastUpdateTime":{},"f:message":{},"f:reason":{},"f:status":{},"f:type":{}}},"f:observedGeneration":{},"f:readyReplicas":{},"f:replicas":{},"f:updatedReplicas":{}}},"subresource":"status"}]"#;

const WORKLOAD: &str = r#"{"kind":"<kind>","apiVersion":"apps/v1","metadata":<meta>,"spec":{"selector":{"matchLabels":{"app.kubernetes.io/name":"<app>"}},"template":{"metadata":{"labels":{"app.kubernetes.io/name":"<app>"}},"spec":<pod>},<details>},"status":{"observedGeneration":<generation>,<status>}}"#;
const DEPLOYMENT_DETAILS: &str = r#""replicas":<replicas>,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600"#;
const DEPLOYMENT_STATUS: &str = r#""replicas":<replicas>,"updatedReplicas":<replicas>,"readyReplicas":<replicas>,"availableReplicas":<replicas>,"conditions":[{"type":"Available","status":"True","lastUpdateTime":"<now>","lastTransitionTime":"<now>","reason":"MinimumReplicasAvailable","message":"Deployment has minimum availability."}]"#;
const SET_DETAILS: &str = r#""revisionHistoryLimit":10"#;
const SET_STATUS: &str = r#""replicas":<replicas>,"fullyLabeledReplicas":<replicas>,"readyReplicas":<replicas>,"availableReplicas":<replicas>"#;
const DAEMONSET_STATUS: &str = r#""currentNumberScheduled":12,"numberMisscheduled":0,"desiredNumberScheduled":12,"numberReady":12,"updatedNumberScheduled":12,"numberAvailable":12"#;

/// A deployment, replica set, stateful set or daemon set. The answer carries managed fields, the request does not.
pub(crate) fn workload(kind: &str, shape: &Shape, answer: bool) -> String {
    let spec = shape.spec;
    let (version, generation) = (shape.version + u64::from(answer), (shape.generation + 1).to_string());
    let (created, now) = (seconds(shape.created), seconds(shape.at));
    let managed = if answer { fill(WORKLOAD_MANAGED, &[("now", &now)]) } else { String::new() };
    let replicas = spec.replicas.to_string();
    let (uid, version) = (shape.uid.to_string(), version.to_string());
    let meta = [
        ("name", shape.name),
        ("ns", spec.namespace),
        ("uid", &uid),
        ("version", &version),
        ("generation", &generation),
        ("created", &created),
        ("app", spec.name),
        ("managed", &managed),
    ];
    let fields = [
        ("kind", kind),
        ("meta", &fill(WORKLOAD_META, &meta)),
        ("replicas", &replicas),
        ("app", spec.name),
        ("pod", &template_spec(spec, shape.generation)),
        ("generation", &generation),
        ("now", &now),
    ];
    let (details, status) = match kind {
        "Deployment" => (DEPLOYMENT_DETAILS, DEPLOYMENT_STATUS),
        "DaemonSet" => (SET_DETAILS, DAEMONSET_STATUS),
        _ => (SET_DETAILS, SET_STATUS),
    };
    let (details, status) = (fill(details, &fields), fill(status, &fields));
    fill(WORKLOAD, &[&fields[..], &[("details", &details), ("status", &status)]].concat())
}

const OWNER: &str = r#""ownerReferences":[{"apiVersion":"<group>","kind":"<kind>","name":"<owner>","uid":"<owner uid>","controller":true,"blockOwnerDeletion":true}]"#;

/// Who made a pod, which its metadata says: API group and version, kind, name, uid.
pub(crate) type Owner<'a> = (&'a str, &'a str, &'a str, Uuid);

fn owner_references(owner: Owner) -> String {
    let (group, kind, name, uid) = owner;
    fill(OWNER, &[("group", group), ("kind", kind), ("owner", name), ("owner uid", &uid.to_string())])
}

/// A pod as a controller asks for it: no name yet, no node.
pub(crate) fn pod_wanted(spec: &Spec, owner: Owner, generation: usize) -> String {
    fill(
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"<owner>-","labels":{"app.kubernetes.io/name":"<app>"},<owners>},"spec":<spec>,"status":{}}"#,
        &[
            ("owner", owner.2),
            ("app", spec.name),
            ("owners", &owner_references(owner)),
            ("spec", &template_spec(spec, generation)),
        ],
    )
}

const POD_MANAGED: &str = r#""managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"<created>","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:generateName":{},"f:labels":{".":{},"f:app.kubernetes.io/name":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"<owner uid>\"}":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"<app>\"}":{".":{},"f:env":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:ports":{},"f:readinessProbe":{},"f:resources":{},"f:securityContext":{},"f:volumeMounts":{}}},"f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{},"f:serviceAccount":{},"f:serviceAccountName":{},"f:volumes":{}}}}]"#;

/// A pod as the API server answers with it.
pub(crate) fn pod(shape: &Shape, owner: Owner, node: &str) -> String {
    let spec = shape.spec;
    let end = shape.name.rsplit('-').next().unwrap_or_default();
    let access = format!("kube-api-access-{end}");
    let on_node = if node.is_empty() { String::new() } else { format!(r#""nodeName":"{node}","#) };
    let placed = format!(
        r#"{on_node}"tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}},{{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority","#
    );
    let created = seconds(shape.created);
    let owner_uid = owner.3.to_string();
    let managed = fill(POD_MANAGED, &[("created", &created), ("owner uid", &owner_uid), ("app", spec.name)]);
    fill(
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"<name>","generateName":"<owner>-","namespace":"<ns>","uid":"<uid>","resourceVersion":"<version>","creationTimestamp":"<created>","labels":{"app.kubernetes.io/name":"<app>"},<owners>,<managed>},"spec":<spec>,"status":{"phase":"Pending","qosClass":"Burstable"}}"#,
        &[
            ("name", shape.name),
            ("owner", owner.2),
            ("ns", spec.namespace),
            ("uid", &shape.uid.to_string()),
            ("version", &shape.version.to_string()),
            ("created", &created),
            ("app", spec.name),
            ("owners", &owner_references(owner)),
            ("managed", &managed),
            ("spec", &pod_spec(spec, shape.generation, &access, &placed)),
        ],
    )
}

/// What a kubelet patches when a pod's state changed.
pub(crate) fn pod_status(app: &str, uid: Uuid, ip: &str, host_ip: &str, at: i64, ready: bool) -> String {
    let (ready, uid) = (if ready { "True" } else { "False" }, uid.to_string());
    fill(
        r#"{"metadata":{"uid":"<uid>"},"status":{"$setElementOrder/conditions":[{"type":"PodReadyToStartContainers"},{"type":"Initialized"},{"type":"Ready"},{"type":"ContainersReady"},{"type":"PodScheduled"}],"conditions":[{"lastTransitionTime":"<now>","status":"<ready>","type":"Ready"},{"lastTransitionTime":"<now>","status":"<ready>","type":"ContainersReady"}],"containerStatuses":[{"containerID":"containerd://<uid>","image":"registry.example.com/<app>","lastState":{},"name":"<app>","ready":true,"restartCount":0,"started":true,"state":{"running":{"startedAt":"<now>"}}}],"hostIP":"<host>","phase":"Running","podIP":"<ip>","podIPs":[{"ip":"<ip>"}],"startTime":"<now>"}}"#,
        &[("uid", &uid), ("now", &seconds(at)), ("ready", ready), ("app", app), ("host", host_ip), ("ip", ip)],
    )
}

/// What a kubelet patches every few minutes.
pub(crate) fn node_status(at: i64) -> String {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        format!(
            r#"{{"lastHeartbeatTime":"{}","message":"{message}","reason":"{reason}","status":"{status}","type":"{kind}"}}"#,
            seconds(at)
        )
    };
    let conditions = [
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ];
    format!(r#"{{"status":{{"conditions":[{}]}}}}"#, conditions.join(","))
}

/// The request for a token of an account, bound to a pod; without one, for `seconds`.
pub(crate) fn token_request(pod: Option<(&str, Uuid)>, seconds: i64) -> String {
    let named = |(name, uid)| format!(r#"{{"kind":"Pod","apiVersion":"v1","name":"{name}","uid":"{uid}"}}"#);
    let bound = pod.map_or_else(|| "null".to_owned(), named);
    format!(
        r#"{{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","metadata":{{}},"spec":{{"audiences":["https://kubernetes.default.svc.cluster.local"],"expirationSeconds":{seconds},"boundObjectRef":{bound}}},"status":{{"token":"","expirationTimestamp":null}}}}"#
    )
}

/// The slice of endpoints of a service.
pub(crate) fn endpoint_slice(cluster: &Cluster, spec: &Spec, slots: &[usize], at: i64) -> String {
    let endpoint = |&slot: &usize| {
        let pod = cluster.pod(slot, at);
        format!(
            r#"{{"addresses":["{}"],"conditions":{{"ready":true,"serving":true,"terminating":false}},"targetRef":{{"kind":"Pod","namespace":"{}","name":"{}","uid":"{}"}},"nodeName":"{}"}}"#,
            pod.ip, spec.namespace, pod.name, pod.uid, cluster.nodes[pod.node].name
        )
    };
    let endpoints: Vec<_> = slots.iter().map(endpoint).collect();
    let uid = cluster.object_uid("slice", spec.namespace, spec.name).to_string();
    fill(
        r#"{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"name":"<app>-z4k8p","generateName":"<app>-","namespace":"<ns>","uid":"<uid>","resourceVersion":"<version>","labels":{"endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"<app>"}},"addressType":"IPv4","endpoints":[<endpoints>],"ports":[{"name":"http","protocol":"TCP","port":8080}]}"#,
        &[
            ("app", spec.name),
            ("ns", spec.namespace),
            ("uid", &uid),
            ("version", &cluster.version(at).to_string()),
            ("endpoints", &endpoints.join(",")),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::cluster::catalog::WORKLOADS;

    fn json(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn values_are_filled_in_where_they_are_named() {
        assert_eq!(fill(r#"{"a":"<x>","b":["<y>","<x>"]}"#, &[("x", "1"), ("y", "2")]), r#"{"a":"1","b":["2","1"]}"#);
    }

    #[test]
    fn bodies_are_json_and_mount_the_secrets_of_their_workload() {
        let cluster = Cluster::new(1, 0, 1_000_000_000, 1_000);
        let spec = &WORKLOADS[0];
        let shape =
            Shape { spec, name: "storefront-x-y", uid: Uuid::nil(), version: 5, created: 0, at: 0, generation: 2 };
        let pod = json(&pod(&shape, ("apps/v1", "ReplicaSet", "storefront-x", Uuid::nil()), "worker-01"));
        assert_eq!(pod["spec"]["volumes"][1]["secret"]["secretName"], spec.secrets[0]);
        assert_eq!(pod["spec"]["nodeName"], "worker-01");
        assert_eq!(json(&workload("Deployment", &shape, true))["metadata"]["resourceVersion"], "6");
        json(&pod_wanted(spec, ("apps/v1", "ReplicaSet", "storefront-x", Uuid::nil()), 0));
        json(&pod_status("storefront", Uuid::nil(), "10.244.1.1", "10.10.0.1", 0, true));
        json(&node_status(0));
        json(&token_request(Some(("pod", Uuid::nil())), 3607));
        json(&token_request(None, 600));
        json(&endpoint_slice(&cluster, spec, &[0, 1, 2], 0));
    }
}
