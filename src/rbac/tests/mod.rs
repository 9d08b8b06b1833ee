//! Tests of the RBAC model, by what they are about, and what they share.

mod evaluate;
mod history;
mod hostile;
mod properties;
mod tighten;
mod used;
mod validate;

use super::{Asked, Grant, Snapshot, State, Used, Who};

/// The state that a YAML text shows.
fn state(yaml: &str) -> State {
    Snapshot::parse("test.yaml", yaml).unwrap().state()
}

/// A cluster role `r` with these rules, granted everywhere to user `u`.
fn cluster_wide(rules: &str) -> Vec<Grant> {
    let yaml = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\nrules: {rules}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: b}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}}\n\
         subjects: [{{kind: User, apiGroup: rbac.authorization.k8s.io, name: u}}]\n"
    );
    grants(&yaml, "u", &[])
}

/// The rules of role `r` in namespace `web` for service account `web/shop`.
fn in_web(rules: &str) -> Vec<Grant> {
    let yaml = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r, namespace: web}}\nrules: {rules}\n\
         ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: b, namespace: web}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}}\n\
         subjects: [{{kind: ServiceAccount, name: shop}}]\n"
    );
    grants(&yaml, SHOP, &[])
}

const SHOP: &str = "system:serviceaccount:web:shop";

fn grants(yaml: &str, name: &str, groups: &[&str]) -> Vec<Grant> {
    state(yaml).grants(&Who { name, groups })
}

/// `VERB [GROUP/]RESOURCE[:SUBRESOURCE] [-n NAMESPACE] [NAME]`, or `VERB /PATH`.
fn asked(text: &str) -> Asked<'_> {
    let mut words = text.split(' ');
    let verb = words.next().unwrap();
    let target = words.next().unwrap();
    if target.starts_with('/') {
        return Asked { verb, path: target, ..Asked::default() };
    }
    let (api_group, target) = target.split_once('/').unwrap_or(("", target));
    let (resource, subresource) = target.split_once(':').unwrap_or((target, ""));
    let mut asked = Asked { verb, api_group, resource, subresource, ..Asked::default() };
    while let Some(word) = words.next() {
        match word {
            "-n" => asked.namespace = words.next().unwrap(),
            name => asked.name = name,
        }
    }
    asked
}

/// `count` requests that succeeded.
fn used(text: &str, count: u64) -> Used<'_> {
    Used { asked: asked(text), count, succeeded: count, first: 10, last: 20, ..Used::default() }
}
