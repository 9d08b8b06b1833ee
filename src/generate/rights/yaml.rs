//! The roles and bindings as `kubectl get clusterroles,roles,clusterrolebindings,rolebindings -A -o yaml` prints them.

use super::{Kind, Rights, Role, Rule, Subject};
use crate::generate::body::seconds;
use crate::generate::cluster::{Cluster, DAY};

const GROUP: &str = "rbac.authorization.k8s.io";
/// Words that YAML takes for something else than text.
const WORDS: &[&str] = &["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

impl Rights {
    /// The text, of the cluster that they belong to.
    pub(crate) fn yaml(&self, cluster: &Cluster) -> String {
        let mut out = String::from("apiVersion: v1\nitems:\n");
        let cluster_wide = |namespace: &str| namespace.is_empty();
        for is_cluster_wide in [true, false] {
            for role in self.roles.iter().filter(|role| cluster_wide(role.namespace) == is_cluster_wide) {
                role.write(&mut out, cluster);
            }
        }
        for is_cluster_wide in [true, false] {
            for binding in self.bindings.iter().filter(|one| cluster_wide(one.namespace) == is_cluster_wide) {
                let kind = if is_cluster_wide { "ClusterRoleBinding" } else { "RoleBinding" };
                item(&mut out, kind);
                metadata(&mut out, cluster, kind, binding.namespace, &binding.name, "");
                let kind = if binding.kind == Kind::Role { "Role" } else { "ClusterRole" };
                let role = scalar(&binding.role);
                out.push_str(&format!("  roleRef:\n    apiGroup: {GROUP}\n    kind: {kind}\n    name: {role}\n"));
                subjects(&mut out, &binding.subjects);
            }
        }
        out.push_str("kind: List\nmetadata:\n  resourceVersion: \"\"\n");
        out
    }
}

fn item(out: &mut String, kind: &str) {
    out.push_str(&format!("- apiVersion: {GROUP}/v1\n"));
    if kind != "ClusterRole" {
        out.push_str(&format!("  kind: {kind}\n"));
    }
}

fn metadata(out: &mut String, cluster: &Cluster, kind: &str, namespace: &str, name: &str, part_of: &str) {
    let created = seconds(cluster.start - 90 * DAY);
    out.push_str(&format!("  metadata:\n    creationTimestamp: \"{created}\"\n"));
    if !part_of.is_empty() {
        out.push_str(&format!("    labels:\n      {GROUP}/aggregate-to-{part_of}: \"true\"\n"));
    }
    out.push_str(&format!("    name: {}\n", scalar(name)));
    if !namespace.is_empty() {
        out.push_str(&format!("    namespace: {}\n", scalar(namespace)));
    }
    let uid = cluster.object_uid(&format!("{}s", kind.to_ascii_lowercase()), namespace, name);
    out.push_str(&format!("    resourceVersion: \"{}\"\n    uid: {uid}\n", cluster.version(cluster.start)));
}

impl Role {
    fn write(&self, out: &mut String, cluster: &Cluster) {
        out.push_str(if self.collects {
            "- aggregationRule:\n    clusterRoleSelectors:\n    - matchLabels:\n"
        } else {
            ""
        });
        if self.collects {
            out.push_str(&format!("        {GROUP}/aggregate-to-{}: \"true\"\n", self.name));
            out.push_str(&format!("  apiVersion: {GROUP}/v1\n"));
        } else {
            out.push_str(&format!("- apiVersion: {GROUP}/v1\n"));
        }
        let kind = if self.namespace.is_empty() { "ClusterRole" } else { "Role" };
        out.push_str(&format!("  kind: {kind}\n"));
        metadata(out, cluster, kind, self.namespace, &self.name, self.part_of);
        out.push_str("  rules:\n");
        self.rules.iter().for_each(|rule| rule.write(out));
    }
}

impl Rule {
    fn write(&self, out: &mut String) {
        let lists = [
            ("apiGroups", &self.groups),
            ("nonResourceURLs", &self.urls),
            ("resourceNames", &self.names),
            ("resources", &self.resources),
            ("verbs", &self.verbs),
        ];
        let mut dash = "- ";
        for (key, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
            out.push_str(&format!("  {dash}{key}:\n"));
            values.iter().for_each(|value| out.push_str(&format!("    - {}\n", scalar(value))));
            dash = "  ";
        }
    }
}

fn subjects(out: &mut String, subjects: &[Subject]) {
    out.push_str(if subjects.is_empty() { "" } else { "  subjects:\n" });
    for subject in subjects {
        let (kind, name) = match subject {
            Subject::Account(namespace, name) => {
                let (namespace, name) = (scalar(namespace), scalar(name));
                out.push_str(&format!("  - kind: ServiceAccount\n    name: {name}\n    namespace: {namespace}\n"));
                continue;
            }
            Subject::User(name) => ("User", name.as_str()),
            Subject::Group(name) => ("Group", *name),
        };
        out.push_str(&format!("  - apiGroup: {GROUP}\n    kind: {kind}\n    name: {}\n", scalar(name)));
    }
}

/// A text in a block: plain where no parser could take it for something else.
fn scalar(text: &str) -> String {
    let is_tame = |letter: char| letter.is_ascii_alphanumeric() || "-._/:@*".contains(letter);
    let is_plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '/')
        && !text.ends_with(':')
        && text.chars().all(is_tame)
        && !WORDS.contains(&text);
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}
