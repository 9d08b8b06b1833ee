//! Harmless work that looks like an attack: each a few times a day at most, by those whose work it is.

use super::{Scene, people};
use crate::generate::actor::Actor;
use crate::generate::body::{fill, seconds};
use crate::generate::call::{CSRS, Call, DAEMONSETS, Outcome, PODS, ROLEBINDINGS};
use crate::generate::cluster::SECOND;

/// An administrator finds out why a pod of `dev` misbehaves.
pub(super) fn debug_exec(scene: &mut Scene) {
    let person = people::administrator(scene);
    let pod = scene.cluster.pod(scene.cluster.slot("dev", "sandbox-api"), scene.at);
    scene.call(person, &Call::new("list", &PODS).within("dev").query("limit=500"));
    scene.wait(4_000, 20_000);
    scene.call(person, &Call::new("get", &PODS).within("dev").named(&pod.name));
    scene.wait(20, 90);
    let query =
        format!("command=ls&command=-l&command=%2Fetc%2Fapp&container={}&stderr=true&stdout=true", pod.spec.name);
    let call = Call::new("get", &PODS).within("dev").named(&pod.name).sub("exec").query(query);
    let open = scene.tape.dice.between(SECOND / 5, 3 * SECOND);
    scene.call(person, &call.outcome(Outcome::Upgraded).open(open));
}

/// A developer looks up a password of the sandbox.
pub(super) fn own_secret(scene: &mut Scene) {
    people::developer_reads(scene, "sandbox-db");
}

/// The build system applies a team's rights, as it does every day.
pub(super) fn team_binding(scene: &mut Scene) {
    let deployer = &scene.cluster.deployer;
    let name = "web-team-edit";
    scene.call(deployer, &Call::new("get", &ROLEBINDINGS).within("web").named(name));
    scene.wait(30, 120);
    let binding = |known: &str| {
        fill(
            r#"{"kind":"RoleBinding","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"web-team-edit","namespace":"web"<known>},"subjects":[{"kind":"Group","apiGroup":"rbac.authorization.k8s.io","name":"web-team"}],"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"edit"}}"#,
            &[("known", known)],
        )
    };
    let uid = scene.uid(&ROLEBINDINGS, "web", name);
    let known = format!(r#","uid":"{uid}","resourceVersion":"{}""#, scene.version());
    let call = Call::new("patch", &ROLEBINDINGS).within("web").named(name).query("fieldManager=helm&force=true");
    scene.call(deployer, &call.bodies(binding(""), binding(&known)));
}

/// The build system installs a new version of the node agent, which reads the host's `/proc` and `/sys`.
pub(super) fn node_agent(scene: &mut Scene) {
    let deployer = &scene.cluster.deployer;
    let version = scene.version().to_string();
    let agent = fill(
        r#"{"kind":"DaemonSet","apiVersion":"apps/v1","metadata":{"name":"node-exporter","namespace":"monitoring","resourceVersion":"<version>","labels":{"app.kubernetes.io/name":"node-exporter"}},"spec":{"selector":{"matchLabels":{"app.kubernetes.io/name":"node-exporter"}},"template":{"metadata":{"labels":{"app.kubernetes.io/name":"node-exporter"}},"spec":{"volumes":[{"name":"proc","hostPath":{"path":"/proc","type":""}},{"name":"sys","hostPath":{"path":"/sys","type":""}}],"containers":[{"name":"node-exporter","image":"quay.io/prometheus/node-exporter:v1.9.1","args":["--path.procfs=/host/proc","--path.sysfs=/host/sys"],"resources":{"requests":{"cpu":"50m","memory":"30Mi"}},"volumeMounts":[{"name":"proc","readOnly":true,"mountPath":"/host/proc"},{"name":"sys","readOnly":true,"mountPath":"/host/sys"}],"securityContext":{"readOnlyRootFilesystem":true,"runAsNonRoot":true,"allowPrivilegeEscalation":false}}],"restartPolicy":"Always","serviceAccountName":"node-exporter","serviceAccount":"node-exporter","hostNetwork":true,"hostPID":true,"securityContext":{"runAsUser":65534},"tolerations":[{"operator":"Exists"}]}},"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":0}}}}"#,
        &[("version", &version)],
    );
    let uid = scene.uid(&DAEMONSETS, "monitoring", "node-exporter");
    let call = Call::new("get", &DAEMONSETS).within("monitoring").named("node-exporter");
    scene.call(deployer, &call);
    scene.wait(40, 150);
    let call = Call::new("update", &DAEMONSETS).within("monitoring").named("node-exporter").query("fieldManager=helm");
    scene.call(deployer, &call.object(uid, scene.version()).body(&agent));
}

/// A kubelet's client certificate runs out: it asks for the next, the controller approves.
pub(super) fn node_certificate(scene: &mut Scene) {
    let cluster = scene.cluster;
    let node = cluster.worker(&mut scene.tape.dice);
    let kubelet = &cluster.kubelets[node];
    let name = format!("csr-{}", scene.tape.dice.suffix(5));
    let (uid, now) = (scene.uid(&CSRS, "", &name), seconds(scene.at));
    let request = |metadata: &str, status: &str| {
        fill(
            r#"{"kind":"CertificateSigningRequest","apiVersion":"certificates.k8s.io/v1","metadata":{<metadata>},"spec":{"request":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K","signerName":"kubernetes.io/kube-apiserver-client-kubelet","usages":["digital signature","client auth"],"username":"<user>","groups":["system:nodes","system:authenticated"]},"status":<status>}"#,
            &[("metadata", metadata), ("user", &kubelet.name), ("status", status)],
        )
    };
    let known = format!(r#""name":"{name}","generateName":"csr-","uid":"{uid}","creationTimestamp":"{now}""#);
    let created = request(&known, "{}");
    scene.call(kubelet, &Call::new("create", &CSRS).bodies(request(r#""generateName":"csr-""#, "{}"), created));
    scene.wait(20, 200);
    let approved = format!(
        r#"{{"conditions":[{{"type":"Approved","status":"True","reason":"AutoApproved","message":"Auto approving self kubelet client certificate after SubjectAccessReview.","lastUpdateTime":"{now}","lastTransitionTime":"{now}"}}]}}"#
    );
    let body = request(&known, &approved);
    let controller: &Actor = cluster.controller("certificate-controller");
    for subresource in ["approval", "status"] {
        let call = Call::new("update", &CSRS).named(&name).sub(subresource).object(uid, scene.version());
        scene.call(controller, &call.body(&body));
        scene.wait(10, 60);
    }
}
