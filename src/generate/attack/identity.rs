//! Becoming someone else: stolen and minted tokens, certificates, impersonation, rights given to oneself.

use super::Raid;
use super::secret::{CURL, KUBECTL, what_may_i};
use crate::generate::actor::Credential;
use crate::generate::body::{self, fill};
use crate::generate::call::{
    CLUSTERROLEBINDINGS, CLUSTERROLES, CSRS, Call, NODES, Outcome, PODS, ROLEBINDINGS, ROLES, SECRETS, SERVICEACCOUNTS,
};
use crate::generate::cluster::SECOND;

pub(super) fn stolen_token(raid: &mut Raid) {
    let token = raid.token("payments", "checkout");
    let other = raid.token("web", "frontend").ip;
    let beside = token.clone().from(other).using(CURL);
    what_may_i(raid, &beside, "payments");
    let secrets = Call::new("list", &SECRETS).within("payments").query("limit=500");
    raid.step("lists secrets from another pod", &beside, &secrets);
    raid.wait(60, 300);
    let outside = raid.taken(&token, KUBECTL);
    raid.step("lists pods from outside", &outside, &Call::new("list", &PODS).within("payments").query("limit=500"));
    for name in ["checkout-db", "card-gateway"] {
        let call = Call::new("get", &SECRETS).within("payments").named(name);
        raid.step(format!("reads secret payments/{name} from outside"), &outside, &call);
    }
}

pub(super) fn exec_token_theft(raid: &mut Raid) {
    let thief = raid.taken(raid.person(1), KUBECTL);
    let cluster = raid.scene.cluster;
    let pod = cluster.pod(cluster.slot("external-secrets", "external-secrets"), raid.scene.at);
    let listed = Call::new("list", &PODS).within("external-secrets").query("limit=500");
    raid.noise("lists the pods", &thief, &listed);
    let query = "command=cat&command=%2Fvar%2Frun%2Fsecrets%2Fkubernetes.io%2Fserviceaccount%2Ftoken&container=external-secrets&stderr=true&stdout=true";
    let exec = Call::new("get", &PODS).within("external-secrets").named(&pod.name).sub("exec").query(query);
    raid.step("reads the pod's token with exec", &thief, &exec.outcome(Outcome::Upgraded).open(SECOND / 2));
    let token = raid.token("external-secrets", "external-secrets");
    let token = raid.taken(&token, CURL);
    raid.step("lists all secrets with it", &token, &Call::new("list", &SECRETS).query("limit=500"));
    let vault = Call::new("get", &SECRETS).within("external-secrets").named("vault-approle");
    raid.step("reads the key to the vault", &token, &vault);
}

pub(super) fn token_request(raid: &mut Raid) {
    let thief = raid.taken(raid.person(0), KUBECTL);
    let (namespace, account) = ("argocd", "argocd-application-controller");
    let listed = Call::new("list", &SERVICEACCOUNTS).within(namespace).query("limit=500");
    raid.noise("lists the accounts", &thief, &listed);
    let minted = raid.scene.tape.dice.uuid();
    let call = Call::new("create", &SERVICEACCOUNTS).within(namespace).named(account).sub("token").issued(minted);
    let request = body::token_request(None, 31_536_000);
    raid.step("mints a token of the deployment operator", &thief, &call.bodies(request, ""));
    raid.wait(60, 400);
    let mut token = raid.taken(&raid.token(namespace, account), CURL).holding(Credential::Token(minted));
    token.bound.clear();
    what_may_i(raid, &token, namespace);
    raid.step("lists all secrets with it", &token, &Call::new("list", &SECRETS).query("limit=500"));
    for name in ["argocd-secret", "argocd-initial-admin-secret"] {
        let call = Call::new("get", &SECRETS).within(namespace).named(name);
        raid.step(format!("reads secret {namespace}/{name} with it"), &token, &call);
    }
}

const BINDING: &str = r#"{"kind":"<kind>","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"<name>"},"subjects":[<subject>],"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"<role kind>","name":"<role>"}}"#;
const ROLE: &str =
    r#"{"kind":"<kind>","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"<name>"},"rules":[<rule>]}"#;

pub(super) fn rbac_escalation(raid: &mut Raid) {
    let thief = raid.taken(raid.person(0), KUBECTL);
    what_may_i(raid, &thief, "default");
    let account = r#"{"kind":"ServiceAccount","name":"storefront","namespace":"shop"}"#;
    let values = |kind, name, role_kind, role| {
        fill(BINDING, &[("kind", kind), ("name", name), ("subject", account), ("role kind", role_kind), ("role", role)])
    };
    let role = |kind, name, rule| fill(ROLE, &[("kind", kind), ("name", name), ("rule", rule)]);

    let body = values("ClusterRoleBinding", "metrics-aggregator", "ClusterRole", "cluster-admin");
    let call = Call::new("create", &CLUSTERROLEBINDINGS).named("metrics-aggregator").body(&body);
    raid.step("binds an account to cluster-admin", &thief, &call);

    let body = role("ClusterRole", "metrics-aggregator", r#"{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}"#);
    let call = Call::new("create", &CLUSTERROLES).named("metrics-aggregator").body(&body);
    raid.step("creates a role that may do everything", &thief, &call);

    let dangerous = r#"{"verbs":["escalate","bind","impersonate"],"apiGroups":["*"],"resources":["clusterroles","roles","users","groups","serviceaccounts"]}"#;
    let body = role("ClusterRole", "quota-sync", dangerous);
    let call = Call::new("create", &CLUSTERROLES).named("quota-sync").body(&body);
    raid.step("creates a role that may escalate, bind and impersonate", &thief, &call);

    let body = role("Role", "cache-reader", r#"{"verbs":["get","list"],"apiGroups":[""],"resources":["secrets"]}"#);
    let call = Call::new("create", &ROLES).within("payments").named("cache-reader").body(&body);
    raid.step("creates a role that reads secrets", &thief, &call);
    let body = values("RoleBinding", "cache-reader", "Role", "cache-reader");
    let call = Call::new("create", &ROLEBINDINGS).within("payments").named("cache-reader").body(&body);
    raid.step("binds an account to it", &thief, &call);

    let patch = r#"[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["secrets"],"verbs":["get","list","watch"]}}]"#;
    let rules = r#"{"verbs":["get","list","watch"],"apiGroups":[""],"resources":["namespaces"]},{"verbs":["get","list","watch"],"apiGroups":[""],"resources":["pods"]},{"verbs":["get","list","watch"],"apiGroups":[""],"resources":["secrets"]}"#;
    let body = role("ClusterRole", "fluent-bit", rules);
    let call = Call::new("patch", &CLUSTERROLES).named("fluent-bit").query("fieldManager=kubectl-patch");
    raid.step("adds secrets to a role by JSON patch", &thief, &call.bodies(patch, body));

    let account = raid.token("staging", "checkout").allowed(
        r#"RBAC: allowed by RoleBinding "checkout-admin/staging" of ClusterRole "admin" to ServiceAccount "checkout/staging""#,
    );
    let account = raid.taken(&account, KUBECTL);
    let body = values("RoleBinding", "checkout-ops", "ClusterRole", "cluster-admin");
    let message = format!(
        r#"rolebindings.rbac.authorization.k8s.io "checkout-ops" is forbidden: user "{}" (groups=["system:serviceaccounts" "system:serviceaccounts:staging" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{{APIGroups:["*"], Resources:["*"], Verbs:["*"]}}"#,
        account.name
    );
    let call = Call::new("create", &ROLEBINDINGS).within("staging").named("checkout-ops").body(&body);
    raid.step("tries to bind more than it has", &account, &call.outcome(Outcome::Refused(&message)));
}

const CSR: &str = r#"{"kind":"CertificateSigningRequest","apiVersion":"certificates.k8s.io/v1","metadata":{"name":"node-telemetry"<known>},"spec":{"request":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K","signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"],"expirationSeconds":31536000<asker>},"status":{<status>}}"#;

pub(super) fn csr(raid: &mut Raid) {
    let thief = raid.taken(raid.person(0), KUBECTL);
    let name = "node-telemetry";
    let uid = raid.scene.tape.dice.uuid();
    let known = format!(r#","uid":"{uid}""#);
    let asker = format!(r#","username":"{}","groups":["platform-admins","system:authenticated"]"#, thief.name);
    let request = |known, asker, status| fill(CSR, &[("known", known), ("asker", asker), ("status", status)]);
    let call = Call::new("create", &CSRS).named(name);
    let bodies = (request("", "", ""), request(&known, &asker, ""));
    raid.step("asks for a client certificate", &thief, &call.bodies(bodies.0, bodies.1));
    let approved = r#""conditions":[{"type":"Approved","status":"True","reason":"KubectlApprove","message":"This CSR was approved by kubectl certificate approve."}]"#;
    let body = request(&known, &asker, approved);
    let call = Call::new("update", &CSRS).named(name).sub("approval");
    let version = raid.scene.cluster.version(raid.scene.at);
    raid.step("approves it itself", &thief, &call.object(uid, version).body(&body));
    let signer = raid.scene.cluster.controller("certificate-controller");
    let call = Call::new("update", &CSRS).named(name).sub("status").object(uid, version + 1).body(&body);
    raid.noise("the controller signs it", signer, &call);
    raid.noise("fetches it", &thief, &Call::new("get", &CSRS).named(name));
    raid.wait(30, 120);
    let manager = raid.scene.cluster.manager.clone();
    let forged = raid.taken(&manager, CURL).certified(raid.scene.cluster.seed, "forged certificate");
    raid.step("lists all secrets with it", &forged, &Call::new("list", &SECRETS).query("limit=500"));
}

pub(super) fn impersonation(raid: &mut Raid) {
    let thief = raid.taken(raid.person(1), KUBECTL);
    let masters = r#"{"username":"bela@example.com","groups":["system:masters","system:authenticated"]}"#;
    let call = Call::new("list", &NODES).query("limit=500").impersonating(masters).reason("");
    raid.step("lists nodes as system:masters", &thief, &call);
    let call = Call::new("list", &SECRETS).within("kube-system").impersonating(masters).reason("");
    raid.step("lists secrets as system:masters", &thief, &call);
    let collector = r#"{"username":"system:serviceaccount:kube-system:generic-garbage-collector","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]}"#;
    let reason = r#"RBAC: allowed by ClusterRoleBinding "system:controller:generic-garbage-collector" of ClusterRole "system:controller:generic-garbage-collector" to ServiceAccount "generic-garbage-collector/kube-system""#;
    let call = Call::new("get", &SECRETS).within("payments").named("ledger-db");
    raid.step("reads a secret as a controller", &thief, &call.impersonating(collector).reason(reason));
}
