//! The roles and bindings of the cluster, told by what each identity is there for and not by the log: what it does all
//! day, and some that reach too far, as they do everywhere. Written as `kubectl get` prints them, and held against
//! every request, so that what was granted and never used is known beforehand.

mod ledger;
mod system;
mod workloads;
mod yaml;

use super::attack::Attack;
pub use ledger::Granted;
pub(crate) use ledger::Ledger;

/// One policy rule. The core API group is the empty text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rule {
    verbs: Vec<&'static str>,
    groups: Vec<&'static str>,
    resources: Vec<&'static str>,
    names: Vec<&'static str>,
    urls: Vec<&'static str>,
}

/// A rule for resources; each list has its words separated by blanks, `core` is the core API group.
fn rule(verbs: &'static str, groups: &'static str, resources: &'static str) -> Rule {
    let groups = groups.split_whitespace().map(|group| if group == "core" { "" } else { group });
    Rule { verbs: words(verbs), groups: groups.collect(), resources: words(resources), ..Rule::default() }
}

/// A rule for URLs outside of the resources.
fn urls(verbs: &'static str, urls: &'static str) -> Rule {
    Rule { verbs: words(verbs), urls: words(urls), ..Rule::default() }
}

fn words(text: &'static str) -> Vec<&'static str> {
    text.split_whitespace().collect()
}

impl Rule {
    /// For these objects only.
    fn named(self, names: &'static str) -> Self {
        Self { names: words(names), ..self }
    }
}

/// A role, or without a namespace a cluster role.
#[derive(Debug)]
struct Role {
    namespace: &'static str,
    name: String,
    rules: Vec<Rule>,
    /// The collecting cluster role whose label it carries.
    part_of: &'static str,
    /// Whether its rules are those of the roles that carry its label.
    collects: bool,
}

/// Who is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    User(String),
    Group(&'static str),
    /// Namespace and name of a service account.
    Account(&'static str, String),
}

/// What kind of role a binding names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ClusterRole,
    Role,
}

/// A role binding, or without a namespace a cluster role binding.
#[derive(Debug)]
struct Binding {
    namespace: &'static str,
    name: String,
    kind: Kind,
    role: String,
    subjects: Vec<Subject>,
}

/// All roles and bindings.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    roles: Vec<Role>,
    bindings: Vec<Binding>,
}

impl Rights {
    /// As they stand when the log ends: what was there before, and what these attacks left behind.
    pub(crate) fn of(attacks: &[Attack]) -> Self {
        let mut rights = Self::default();
        system::add(&mut rights);
        workloads::add(&mut rights);
        if attacks.contains(&Attack::RbacEscalation) {
            rights.escalate();
        }
        rights
    }

    /// What the attack that makes roles leaves behind.
    fn escalate(&mut self) {
        let storefront = || Subject::Account("shop", "storefront".to_owned());
        let verbs = "get list watch";
        self.cluster_role("metrics-aggregator", vec![rule("*", "*", "*")]);
        self.bind("", "metrics-aggregator", (Kind::ClusterRole, "cluster-admin"), vec![storefront()]);
        let resources = "clusterroles roles users groups serviceaccounts";
        self.cluster_role("quota-sync", vec![rule("escalate bind impersonate", "*", resources)]);
        self.role("payments", "cache-reader", vec![rule("get list", "core", "secrets")]);
        self.bind("payments", "cache-reader", (Kind::Role, "cache-reader"), vec![storefront()]);
        let patched = self.roles.iter_mut().filter(|role| role.name == "fluent-bit");
        patched.for_each(|role| role.rules.push(rule(verbs, "core", "secrets")));
    }

    fn cluster_role(&mut self, name: impl Into<String>, rules: Vec<Rule>) {
        self.role("", name, rules);
    }

    fn role(&mut self, namespace: &'static str, name: impl Into<String>, rules: Vec<Rule>) {
        self.roles.push(Role { namespace, name: name.into(), rules, part_of: "", collects: false });
    }

    fn bind(
        &mut self,
        namespace: &'static str,
        name: impl Into<String>,
        (kind, role): (Kind, &str),
        subjects: Vec<Subject>,
    ) {
        self.bindings.push(Binding { namespace, name: name.into(), kind, role: role.to_owned(), subjects });
    }

    /// A cluster role, and a binding of its name for one subject.
    fn cluster_wide(&mut self, name: &str, rules: Vec<Rule>, subject: Subject) {
        self.cluster_role(name, rules);
        self.bind("", name, (Kind::ClusterRole, name), vec![subject]);
    }

    /// The rules that an identity has, each with its namespace (empty for everywhere) and role; the same rule in the
    /// same namespace once.
    fn held(&self, identity: &str, groups: &[String]) -> Vec<(&'static str, &Role, &Rule)> {
        let account = |namespace: &str, name: &str| identity == format!("system:serviceaccount:{namespace}:{name}");
        let is = |subject: &Subject| match subject {
            Subject::User(name) => name == identity,
            Subject::Group(group) => groups.iter().any(|own| own == group),
            Subject::Account(namespace, name) => account(namespace, name),
        };
        let mut held: Vec<(&str, &Role, &Rule)> = Vec::new();
        for binding in self.bindings.iter().filter(|binding| binding.subjects.iter().any(is)) {
            let within = if binding.kind == Kind::Role { binding.namespace } else { "" };
            let role = self.roles.iter().find(|role| role.namespace == within && role.name == binding.role);
            for (role, rule) in role.iter().flat_map(|role| role.rules.iter().map(move |rule| (*role, rule))) {
                let is_known =
                    held.iter().any(|(namespace, _, known)| *namespace == binding.namespace && *known == rule);
                if !is_known && (binding.namespace.is_empty() || rule.urls.is_empty()) {
                    held.push((binding.namespace, role, rule));
                }
            }
        }
        held
    }
}

#[cfg(test)]
mod tests;
