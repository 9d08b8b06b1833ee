//! Taking secrets: one by one, all at once, by trying, through a pod, under a false name.

use super::Raid;
use crate::generate::actor::Actor;
use crate::generate::body::fill;
use crate::generate::call::{Call, NAMESPACES, NODES, Outcome, PODS, SECRETS, SELF_ACCESS_REVIEWS, SELF_RULES_REVIEWS};
use crate::generate::cluster::catalog::ALL_NAMESPACES;
use crate::generate::cluster::{self, MINUTE, SECOND};
use crate::generate::traffic::{DISCOVERY, PUBLIC};

pub(super) const KUBECTL: &str = "kubectl/v1.31.4 (linux/amd64) kubernetes/a78aa47";
pub(super) const CURL: &str = "curl/8.5.0";
pub(super) const BASIC_USER: &str = r#"RBAC: allowed by ClusterRoleBinding "system:basic-user" of ClusterRole "system:basic-user" to Group "system:authenticated""#;

/// The question what one may do in a namespace: the first that most attackers ask.
pub(super) fn what_may_i(raid: &mut Raid, actor: &Actor, namespace: &str) {
    let review = fill(
        r#"{"kind":"SelfSubjectRulesReview","apiVersion":"authorization.k8s.io/v1","metadata":{},"spec":{"namespace":"<ns>"},"status":{"resourceRules":null,"nonResourceRules":null,"incomplete":false}}"#,
        &[("ns", namespace)],
    );
    let call = Call::new("create", &SELF_RULES_REVIEWS).body(&review).reason(BASIC_USER);
    raid.noise("asks what it may do", actor, &call);
}

pub(super) fn sweep(raid: &mut Raid) {
    let token = raid.token("backup", "velero");
    let thief = raid.taken(&token, "python-requests/2.32.3");
    raid.noise("asks for the version", &thief, &Call::path("get", "/version").reason(DISCOVERY));
    what_may_i(raid, &thief, "default");
    raid.noise("lists the namespaces", &thief, &Call::new("list", &NAMESPACES));
    let mut left = raid.scene.cluster.secrets.clone();
    for _ in 0..36.min(left.len()) {
        let at = raid.scene.tape.dice.below(left.len());
        let (namespace, name) = left.swap_remove(at);
        let call = Call::new("get", &SECRETS).within(namespace).named(name);
        raid.step(format!("reads secret {namespace}/{name}"), &thief, &call);
    }
}

pub(super) fn cluster_list(raid: &mut Raid) {
    let token = raid.token("monitoring", "kube-state-metrics");
    let thief = raid.taken(&token, KUBECTL);
    what_may_i(raid, &thief, "monitoring");
    raid.step("lists all secrets", &thief, &Call::new("list", &SECRETS).query("limit=500"));
    let query = format!("resourceVersion={}&watch=true", raid.scene.cluster.version(raid.scene.at));
    let watch = Call::new("watch", &SECRETS).query(query).open(8 * MINUTE);
    raid.step("watches all secrets", &thief, &watch);
}

pub(super) fn denied_probe(raid: &mut Raid) {
    let inside = raid.token("web", "frontend").using(CURL);
    raid.noise("asks for the version", &inside, &Call::path("get", "/version").reason(DISCOVERY));
    what_may_i(raid, &inside, "web");
    let may = r#"{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{},"spec":{"resourceAttributes":{"verb":"list","resource":"secrets"}},"status":{"allowed":false}}"#;
    let call = Call::new("create", &SELF_ACCESS_REVIEWS).body(may).reason(BASIC_USER);
    raid.noise("asks whether it may list secrets", &inside, &call);
    raid.step("tries all secrets", &inside, &Call::new("list", &SECRETS).outcome(Outcome::Forbidden));
    raid.step("tries the nodes", &inside, &Call::new("list", &NODES).outcome(Outcome::Forbidden));
    for namespace in ALL_NAMESPACES.iter().filter(|namespace| **namespace != "web") {
        let call = Call::new("list", &SECRETS).within(namespace).outcome(Outcome::Forbidden);
        raid.step(format!("tries the secrets of {namespace}"), &inside, &call);
    }
    let call = Call::new("list", &SECRETS).within("web").query("limit=500");
    raid.step("lists the secrets of web", &inside, &call);
}

pub(super) fn anonymous(raid: &mut Raid) {
    let nobody = cluster::anonymous()
        .allowed(r#"RBAC: allowed by ClusterRoleBinding "dashboard-public" of ClusterRole "view-everything" to Group "system:unauthenticated""#);
    let nobody = raid.taken(&nobody, "Mozilla/5.0 zgrab/0.x");
    raid.noise("asks for the version", &nobody, &Call::path("get", "/version").reason(PUBLIC));
    let nobody = nobody.using("python-httpx/0.28.1");
    raid.step("lists all pods", &nobody, &Call::new("list", &PODS).query("limit=500"));
    for namespace in ["kube-system", "payments"] {
        let call = Call::new("list", &SECRETS).within(namespace);
        raid.step(format!("lists the secrets of {namespace}"), &nobody, &call);
    }
    raid.step("reads a secret", &nobody, &Call::new("get", &SECRETS).within("payments").named("pci-vault-unseal"));
}

pub(super) fn mounted(raid: &mut Raid) {
    let person = raid.person(2).clone().allowed(
        r#"RBAC: allowed by RoleBinding "incident-4711/payments" of ClusterRole "edit" to Group "developers""#,
    );
    let thief = raid.taken(&person, KUBECTL);
    raid.noise("lists the pods", &thief, &Call::new("list", &PODS).within("payments").query("limit=500"));
    let pod = |known: &str| {
        fill(
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"net-check","namespace":"payments"<known>},"spec":{"volumes":[{"name":"a","secret":{"secretName":"card-gateway","defaultMode":420}},{"name":"b","secret":{"secretName":"ledger-signing-key","defaultMode":420}}],"containers":[{"name":"net-check","image":"docker.io/library/busybox:1.37","command":["sleep","86400"],"envFrom":[{"secretRef":{"name":"ledger-db"}}],"resources":{},"volumeMounts":[{"name":"a","mountPath":"/mnt/a"},{"name":"b","mountPath":"/mnt/b"}],"imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Never","serviceAccountName":"default","serviceAccount":"default"},"status":{}}"#,
            &[("known", known)],
        )
    };
    let known = format!(r#","uid":"{}""#, raid.scene.tape.dice.uuid());
    let call = Call::new("create", &PODS).within("payments").named("net-check").query("fieldManager=kubectl-create");
    raid.step("creates a pod that mounts another application's secrets", &thief, &call.bodies(pod(""), pod(&known)));
    let node = raid.scene.cluster.worker(&mut raid.scene.tape.dice);
    let kubelet = raid.scene.cluster.kubelets[node].clone();
    for name in ["card-gateway", "ledger-signing-key", "ledger-db"] {
        let call = Call::new("get", &SECRETS).within("payments").named(name);
        raid.noise(format!("the kubelet fetches {name} for it"), &kubelet, &call);
    }
    let query = "command=sh&command=-c&command=cat+%2Fmnt%2Fa%2F%2A+%2Fmnt%2Fb%2F%2A&container=net-check&stderr=true&stdout=true";
    let call = Call::new("get", &PODS).within("payments").named("net-check").sub("exec").query(query);
    raid.step("reads them with exec", &thief, &call.outcome(Outcome::Upgraded).open(SECOND));
}

pub(super) fn audit_id_reuse(raid: &mut Raid) {
    let cluster = raid.scene.cluster;
    let slot = cluster.slot("shop", "storefront");
    // into the first half of a minute, so that both requests fall into it
    let minute = raid.scene.at.div_euclid(MINUTE) * MINUTE + 10 * SECOND;
    if (cluster.start..cluster.end - 5 * SECOND).contains(&minute) {
        raid.scene.at = minute;
    }
    let pod = cluster.pod(slot, raid.scene.at);
    let mounted = Call::new("get", &SECRETS).within("shop").named("storefront-session");
    let id = raid.scene.call(&cluster.kubelets[pod.node], &mounted);
    raid.wait(2, 6);
    let token = raid.token("external-secrets", "external-secrets");
    let node = &cluster.nodes[pod.node].ip;
    let thief = raid.taken(&token, &cluster.kubelets[pod.node].agent).forwarding(node);
    let call = Call::new("list", &SECRETS).query("limit=500");
    raid.gain(&thief, &call);
    raid.scene.tape.record_as(id, raid.scene.at, &thief, &call);
    raid.label(id, "lists all secrets under the audit id of a kubelet's request".to_owned(), false);
}
