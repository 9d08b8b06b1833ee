//! The words that may leave as they are: Kubernetes' own, ATT&CK's and ours, each by exact match. Whatever else a log
//! says is given a stand-in by `names`, or stays here.

use std::collections::BTreeSet;
use std::net::IpAddr;

use regex::Regex;

use super::names::Kind;
use crate::detection::{FILES, attack};

/// Names that every cluster has.
const WELL_KNOWN: &[&str] = &[
    "admin",
    "cluster-admin",
    "default",
    "edit",
    "kube-node-lease",
    "kube-public",
    "kube-system",
    "system:admin",
    "system:anonymous",
    "system:apiserver",
    "system:authenticated",
    "system:kube-controller-manager",
    "system:kube-proxy",
    "system:kube-scheduler",
    "system:masters",
    "system:nodes",
    "system:serviceaccounts",
    "system:unauthenticated",
    "view",
];

/// Verbs, outcomes, and what the views call kinds of requests.
const DEEDS: &[&str] = &[
    "allowed",
    "approve",
    "attach",
    "bind",
    "create",
    "delete",
    "deleted",
    "deletecollection",
    "denied",
    "entered",
    "escalate",
    "exec",
    "failed",
    "get",
    "impersonate",
    "list",
    "listed",
    "mounted",
    "node",
    "node_attach",
    "node_exec",
    "node_portforward",
    "node_proxy",
    "node_run",
    "patch",
    "patched",
    "portforward",
    "proxy",
    "read",
    "removed",
    "sign",
    "unknown",
    "update",
    "watch",
    "watched",
    "written",
];

/// Resources and subresources of Kubernetes itself.
const RESOURCES: &[&str] = &[
    "approval",
    "binding",
    "bindings",
    "certificatesigningrequests",
    "clusterrolebindings",
    "clusterroles",
    "componentstatuses",
    "configmaps",
    "controllerrevisions",
    "cronjobs",
    "csidrivers",
    "csinodes",
    "customresourcedefinitions",
    "daemonsets",
    "deployments",
    "endpoints",
    "endpointslices",
    "ephemeralcontainers",
    "events",
    "eviction",
    "finalizers",
    "horizontalpodautoscalers",
    "ingressclasses",
    "ingresses",
    "jobs",
    "leases",
    "limitranges",
    "localsubjectaccessreviews",
    "log",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "namespaces",
    "networkpolicies",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "poddisruptionbudgets",
    "pods",
    "podtemplates",
    "priorityclasses",
    "replicasets",
    "replicationcontrollers",
    "resourcequotas",
    "rolebindings",
    "roles",
    "scale",
    "secrets",
    "selfsubjectaccessreviews",
    "selfsubjectreviews",
    "selfsubjectrulesreviews",
    "serviceaccounts",
    "services",
    "statefulsets",
    "status",
    "storageclasses",
    "subjectaccessreviews",
    "token",
    "tokenreviews",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
    "volumeattachments",
];

/// What the detections count in the object of a finding: `12 secrets`, `ConfigMaps of 3 namespaces`.
const COUNTED: &[&str] = &[
    "ConfigMaps",
    "accounts",
    "all",
    "and",
    "grants",
    "images",
    "kinds",
    "names",
    "objects",
    "of",
    "paths",
    "releases",
    "requests",
    "resources",
    "rights",
    "tokens",
    "workloads",
];

/// What opens a node to a pod, as the view `pod_dangers` calls it.
const DANGERS: &[&str] = &["capability", "hostIPC", "hostNetwork", "hostPID", "hostPath", "hostProcess", "privileged"];

/// Types of Secrets that Kubernetes, kubeadm and helm make.
const SECRET_TYPES: &[&str] = &[
    "Opaque",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
    "kubernetes.io/basic-auth",
    "kubernetes.io/dockercfg",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/service-account-token",
    "kubernetes.io/ssh-auth",
    "kubernetes.io/tls",
];

/// Programs whose name tells a reader something, as they name themselves.
const PROGRAMS: &[&str] = &[
    "argocd",
    "curl",
    "go-http-client",
    "helm",
    "k9s",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
    "kubelet",
    "oc",
    "python-requests",
    "python-urllib",
    "terraform",
    "wget",
];

/// Columns of evidence that hold names, and of what; all others are told by their values.
const COLUMNS: &[(&str, Kind)] = &[
    ("account", Kind::Identity),
    ("account_namespace", Kind::Namespace),
    ("accounts", Kind::Identity),
    ("actors", Kind::Identity),
    ("agent", Kind::Agent),
    ("allowed_by", Kind::Identity),
    ("approved_by", Kind::Identity),
    ("asked_by", Kind::Identity),
    ("binding", Kind::Object),
    ("credential_id", Kind::Credential),
    ("credential_ids", Kind::Credential),
    ("csr", Kind::Object),
    ("granted_by", Kind::Identity),
    ("impersonated_username", Kind::Identity),
    ("issued_credential_id", Kind::Credential),
    ("issued_credential_ids", Kind::Credential),
    ("namespace", Kind::Namespace),
    ("namespaces", Kind::Namespace),
    ("node", Kind::Object),
    ("pod", Kind::Object),
    ("pods", Kind::Object),
    ("role", Kind::Object),
    ("roles", Kind::Object),
    ("secret", Kind::Secret),
    ("secrets", Kind::Secret),
    ("secrets_read", Kind::Secret),
    ("service_account", Kind::Identity),
    ("subject", Kind::Identity),
    ("target", Kind::Object),
    ("targets", Kind::Object),
    ("user_agent", Kind::Agent),
    ("user_agents", Kind::Agent),
    ("username", Kind::Identity),
    ("usernames", Kind::Identity),
    ("workload", Kind::Object),
    ("workloads", Kind::Object),
];

fn among(words: &[&str], word: &str) -> bool {
    words.contains(&word)
}

/// Whether it is a name that every cluster has.
pub(super) fn is_well_known(name: &str) -> bool {
    among(WELL_KNOWN, name)
}

/// Whether a word of evidence may leave as it is.
pub(super) fn is_closed(word: &str) -> bool {
    among(DEEDS, word) || among(RESOURCES, word) || among(DANGERS, word) || is_well_known(word) || is_attack(word)
}

/// What our own queries say of what they find: the texts that a `case` of theirs ends in, or that are all of a column.
pub(super) fn said() -> BTreeSet<&'static str> {
    let Ok(text) = Regex::new(r"\b(?:then|else)\s+'([^']+)'|'([^']+)' as [a-z]") else { return BTreeSet::new() };
    let queries = FILES.iter().flat_map(|(_, query)| text.captures_iter(query));
    queries.filter_map(|found| found.get(1).or(found.get(2)).map(|said| said.as_str())).collect()
}

/// Whether a word may stand in the object of a finding: a resource, or what is counted there.
pub(super) fn is_counted(word: &str) -> bool {
    among(RESOURCES, word) || among(COUNTED, word)
}

/// Whether it is an id of ATT&CK, or `tactic/technique`.
pub(super) fn is_attack(id: &str) -> bool {
    id.splitn(2, '/').all(|part| attack::name(part).is_some())
}

/// The word, if it is one of those for what was done; else `other`.
pub(super) fn deed(word: &str) -> &str {
    if among(DEEDS, word) || among(RESOURCES, word) { word } else { "other" }
}

/// The type of a Secret, if it is one of the common ones; else `other`.
pub(super) fn secret_type(kind: Option<&str>) -> &str {
    kind.map_or("unknown", |kind| if among(SECRET_TYPES, kind) { kind } else { "other" })
}

/// What a column of evidence holds names of.
pub(super) fn column(name: &str) -> Option<Kind> {
    COLUMNS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// What an address tells without being told: where it is.
pub(super) fn place(address: IpAddr) -> &'static str {
    let is_private = match address.to_canonical() {
        IpAddr::V4(v4) => {
            // 100.64.0.0/10 is shared among the customers of a carrier, and clouds give it to pods
            let [first, second, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || v4.is_loopback() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    if is_private { "private" } else { "outside" }
}

/// The program that an agent says it is, if it is a common one.
pub(super) fn program(agent: &str) -> &'static str {
    let name = agent.split(['/', ' ', '(']).next().unwrap_or_default();
    PROGRAMS.iter().find(|known| known.eq_ignore_ascii_case(name)).copied().unwrap_or("another program")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_pass_by_exact_match_only() {
        assert!(is_closed("get") && is_closed("system:masters") && is_closed("TA0006/T1552.007"));
        for word in
            ["Get", "get ", "system:masters2", "kube-systemx", "ignore", "", "TA0006/", "TA0006/x", "T1552/T1552/T1552"]
        {
            assert!(!is_closed(word), "{word:?}");
        }
    }

    #[test]
    fn what_a_query_says_is_known_and_what_it_looks_for_is_not() {
        let said = said();
        for text in ["probing", "powerful name assumed", "credential access", "rights given"] {
            assert!(said.contains(text), "{text}");
        }
        for text in ["argocd-initial-admin-secret", "tekton-pipelines", "curl", ""] {
            assert!(!said.contains(text), "{text}");
        }
    }

    #[test]
    fn an_address_is_told_by_its_range() {
        for (address, told) in [
            ("10.0.0.1", "private"),
            ("100.64.3.2", "private"),
            ("100.128.0.1", "outside"),
            ("::ffff:192.168.0.1", "private"),
            ("fd00::1", "private"),
            ("203.0.113.7", "outside"),
            ("2001:db8::1", "outside"),
        ] {
            assert_eq!(place(address.parse().unwrap()), told, "{address}");
        }
    }

    #[test]
    fn a_program_is_known_by_the_start_of_its_agent() {
        assert_eq!(program("kubectl/v1.31 (linux/amd64)"), "kubectl");
        assert_eq!(program("Go-http-client/2.0"), "go-http-client");
        assert_eq!(program("kubectl-ignore-all-this"), "another program");
    }
}
