//! What runs in the cluster: applications and operators of the catalog, and the build system.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kind, Rights, Rule, Subject, rule, urls};
use crate::generate::call::Resource;
use crate::generate::cluster::catalog::{JOBS, Spec, WORKLOADS};

/// The role that applications have in their namespace.
const READER: &str = "config-reader";
const READ: &str = "get list watch";

/// Adds them.
pub(super) fn add(rights: &mut Rights) {
    let apps = || WORKLOADS.iter().chain(JOBS).filter(|spec| spec.role == READER);
    let namespaces: BTreeSet<&str> = apps().map(|spec| spec.namespace).collect();
    namespaces.into_iter().for_each(|namespace| rights.role(namespace, READER, reader(namespace)));
    for spec in apps() {
        let name = format!("{}-{READER}", spec.name);
        rights.bind(spec.namespace, name, (Kind::Role, READER), vec![account(spec)]);
    }
    for spec in WORKLOADS.iter().filter(|spec| spec.role != READER) {
        let rules = watched(spec).into_iter().chain(own(spec.role)).collect();
        rights.cluster_wide(spec.role, rules, account(spec));
    }
    for spec in WORKLOADS.iter().filter(|spec| matches!(spec.name, "metrics-server" | "cert-manager-webhook")) {
        let name = format!("{}:auth-delegator", spec.name);
        rights.bind("", name, (Kind::ClusterRole, "system:auth-delegator"), vec![account(spec)]);
    }
    for spec in WORKLOADS.iter().filter(|spec| !spec.lease.is_empty()) {
        let lease = rule("get patch update", "coordination.k8s.io", "leases").named(spec.lease);
        rights.role(spec.namespace, spec.lease, vec![lease, rule("create", "coordination.k8s.io", "leases")]);
        rights.bind(spec.namespace, spec.lease, (Kind::Role, spec.lease), vec![account(spec)]);
    }
    // someone was in a hurry
    let checkout = Subject::Account("staging", "checkout".to_owned());
    rights.bind("staging", "checkout-admin", (Kind::ClusterRole, "admin"), vec![checkout]);
    build_system(rights);
}

fn account(spec: &Spec) -> Subject {
    Subject::Account(spec.namespace, spec.name.to_owned())
}

/// Settings, events, and what the teams of some namespaces added over the years.
fn reader(namespace: &str) -> Vec<Rule> {
    let mut rules = vec![rule(READ, "core", "configmaps"), rule("create patch", "core", "events")];
    match namespace {
        "data" => rules.push(rule("get list patch update watch", "core", "endpoints")),
        "payments" => rules.push(rule("get list", "core", "pods secrets")),
        "web" => rules.push(rule("get list", "core", "secrets")),
        _ => {}
    }
    rules
}

/// What an operator watches and reads, one rule for each API group.
fn watched(spec: &'static Spec) -> Vec<Rule> {
    let read = spec.reads.iter().map(|(resource, ..)| *resource);
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for &Resource { group, name, .. } in spec.watches.iter().copied().chain(read) {
        groups.entry(group).or_default().insert(name);
    }
    let rules = groups.into_iter().map(|(group, names)| Rule {
        groups: vec![group],
        resources: names.into_iter().collect(),
        ..rule(READ, "core", "")
    });
    rules.collect()
}

/// What an operator does besides, by the name of its role.
fn own(role: &str) -> Vec<Rule> {
    let events = || rule("create patch", "core", "events");
    let secrets = || rule("create delete patch update", "core", "secrets");
    match role {
        // it restores whatever there may be, so it was given everything
        "velero-server" => vec![rule("*", "*", "*"), urls("*", "*")],
        // scraping through the kubelet's proxy was once the way
        "prometheus-k8s" => {
            vec![rule("create get", "core", "nodes/metrics nodes/proxy"), urls("get", "/metrics /metrics/cadvisor")]
        }
        "kube-state-metrics" => vec![rule("list watch", "core", "secrets")],
        "argocd-application-controller" => vec![
            rule("create delete patch update", "argoproj.io", "applications"),
            rule("create delete patch update", "apps", "deployments statefulsets"),
            events(),
        ],
        "argocd-server" => {
            vec![rule("create delete patch update", "argoproj.io", "applications"), rule("patch", "core", "secrets")]
        }
        "cert-manager-controller-certificates" => vec![
            rule("update", "cert-manager.io", "certificates certificates/finalizers certificates/status"),
            rule("create delete get list watch", "acme.cert-manager.io", "orders"),
            secrets(),
            events(),
        ],
        "cert-manager-cainjector" => vec![
            rule(
                "patch update",
                "admissionregistration.k8s.io",
                "mutatingwebhookconfigurations validatingwebhookconfigurations",
            ),
            rule("patch update", "apiextensions.k8s.io", "customresourcedefinitions"),
            events(),
        ],
        "cert-manager-webhook:subjectaccessreviews" => {
            vec![rule("create", "authorization.k8s.io", "subjectaccessreviews")]
        }
        "external-secrets-controller" => vec![
            rule("patch update", "external-secrets.io", "externalsecrets externalsecrets/status"),
            rule("create", "core", "serviceaccounts/token"),
            secrets(),
            events(),
        ],
        "ingress-nginx" => vec![rule("update", "networking.k8s.io", "ingresses/status"), events()],
        "system:metrics-server" => vec![rule("get", "core", "nodes/metrics")],
        "system:node-proxier" => vec![events()],
        "csi-provisioner" => vec![
            rule("create delete get list patch watch", "core", "persistentvolumes"),
            rule("get list update watch", "core", "persistentvolumeclaims"),
            rule(READ, "storage.k8s.io", "csinodes storageclasses"),
            events(),
        ],
        "fluent-bit" => vec![rule(READ, "core", "pods")],
        _ => Vec::new(),
    }
}

/// The account that deploys, and others of the build system that nobody has looked at for long.
fn build_system(rights: &mut Rights) {
    let deployer = || Subject::Account("ci", "deployer".to_owned());
    let rules = vec![
        rule("create delete get list patch update watch", "core", "configmaps secrets services"),
        rule("create delete get list patch update watch", "apps", "daemonsets deployments statefulsets"),
        rule("create get patch update", "rbac.authorization.k8s.io", "rolebindings"),
        rule("bind", "rbac.authorization.k8s.io", "clusterroles").named("edit view"),
    ];
    rights.cluster_role("deployer", rules);
    rights.bind("", "ci-deployer", (Kind::ClusterRole, "deployer"), vec![deployer()]);
    rights.role("ci", "secret-reader", vec![rule(READ, "core", "secrets").named("deployer-kubeconfig")]);
    let scanner = Subject::Account("ci", "image-scanner".to_owned());
    rights.bind("ci", "secret-readers", (Kind::Role, "secret-reader"), vec![deployer(), scanner]);
}
