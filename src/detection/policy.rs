//! Lines of an audit policy (`audit.k8s.io/v1`) that log what was missing.

use std::collections::{BTreeMap, BTreeSet};

use super::Level;

/// The API group of each resource that comes with Kubernetes, and of a few that many install.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "bindings",
            "configmaps",
            "endpoints",
            "events",
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "podtemplates",
            "replicationcontrollers",
            "secrets",
            "serviceaccounts",
            "services",
        ],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
    ),
    ("apiextensions.k8s.io", &["customresourcedefinitions"]),
    ("apiregistration.k8s.io", &["apiservices"]),
    ("apps", &["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"]),
    ("authentication.k8s.io", &["selfsubjectreviews", "tokenreviews"]),
    (
        "authorization.k8s.io",
        &["localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"],
    ),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("certificates.k8s.io", &["certificatesigningrequests", "clustertrustbundles"]),
    ("coordination.k8s.io", &["leases"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("external-secrets.io", &["clusterexternalsecrets", "clusterpushsecrets", "externalsecrets", "pushsecrets"]),
    ("gateway.networking.k8s.io", &["gateways", "httproutes", "referencegrants"]),
    ("networking.k8s.io", &["ingressclasses", "ingresses", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets", "podsecuritypolicies"]),
    ("rbac.authorization.k8s.io", &["clusterrolebindings", "clusterroles", "rolebindings", "roles"]),
    ("scheduling.k8s.io", &["priorityclasses"]),
    ("snapshot.storage.k8s.io", &["volumesnapshotclasses", "volumesnapshotcontents", "volumesnapshots"]),
    ("velero.io", &["backups", "backupstoragelocations", "deletebackuprequests", "restores", "schedules"]),
    ("storage.k8s.io", &["csidrivers", "storageclasses", "volumeattachments"]),
];

/// Resources whose subresources matter: a rule for `pods` alone does not log `pods/exec`.
const WITH_SUBRESOURCES: [&str; 5] = ["certificatesigningrequests", "nodes", "pods", "serviceaccounts", "services"];

/// A rule that logs `resources` (none: all) at `level`, for some verbs (none: all).
pub(super) fn rule(level: Level, verbs: &[&str], resources: &BTreeSet<String>) -> Vec<String> {
    let mut lines = vec![format!("- level: {level:?}")];
    if !verbs.is_empty() {
        lines.push(format!("  verbs: {}", list(verbs.iter().copied())));
    }
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for resource in resources {
        let names = groups.entry(group(resource)).or_default();
        names.push(resource.clone());
        if WITH_SUBRESOURCES.contains(&resource.as_str()) {
            names.push(format!("{resource}/*"));
        }
    }
    if !groups.is_empty() {
        lines.push("  resources:".to_owned());
    }
    for (group, names) in groups {
        lines.push(format!("  - group: {group:?}"));
        lines.push(format!("    resources: {}", list(names.iter().map(String::as_str))));
    }
    lines
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "))
}

/// The API group that serves a resource; for those that we do not know, a word to be replaced.
fn group(resource: &str) -> &'static str {
    GROUPS
        .iter()
        .find(|(_, resources)| resources.contains(&resource))
        .map_or("THE-API-GROUP-OF-THESE", |(group, _)| group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_each_resource_under_its_group() {
        let resources = ["pods", "deployments", "roles", "clusterroles"].map(ToOwned::to_owned).into();
        assert_eq!(
            rule(Level::Request, &["create", "patch"], &resources).join("\n"),
            r#"- level: Request
  verbs: ["create", "patch"]
  resources:
  - group: ""
    resources: ["pods", "pods/*"]
  - group: "apps"
    resources: ["deployments"]
  - group: "rbac.authorization.k8s.io"
    resources: ["clusterroles", "roles"]"#
        );
        assert_eq!(rule(Level::Metadata, &[], &BTreeSet::new()), ["- level: Metadata"]);
        let unknown = rule(Level::Metadata, &[], &["widgets".to_owned()].into());
        assert!(unknown[2].contains("THE-API-GROUP"), "{unknown:?}");
    }
}
