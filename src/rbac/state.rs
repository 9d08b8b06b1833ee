//! Roles and bindings as they stood at one moment, and what they grant to whom.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::aggregate;
use super::model::{Body, Key, Kind, Object, RoleRef, Rule, Subject, SubjectKind};

/// The group that is above all authorizers.
const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";
const ACCOUNTS: &str = "system:serviceaccounts";
const ACCOUNT: &str = "system:serviceaccount:";

/// An identity: whose grants are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The user name, as `system:serviceaccount:NAMESPACE:NAME` for a service account.
    pub name: &'a str,
    /// The groups that the events give it; those that every such identity is in need not be among them.
    pub groups: &'a [&'a str],
}

impl<'a> Who<'a> {
    /// Namespace and name of a service account.
    #[must_use]
    pub fn service_account(&self) -> Option<(&'a str, &'a str)> {
        self.name
            .strip_prefix(ACCOUNT)?
            .split_once(':')
            .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty() && !name.contains(':'))
    }

    /// Its groups, with those that the API server puts every such identity in.
    fn all_groups(&self) -> HashSet<String> {
        let mut groups: HashSet<String> = self.groups.iter().map(|group| (*group).to_owned()).collect();
        if let Some((namespace, _)) = self.service_account() {
            groups.extend([ACCOUNTS.to_owned(), format!("{ACCOUNTS}:{namespace}")]);
        }
        let is_anonymous = self.name == "system:anonymous" || groups.contains(UNAUTHENTICATED);
        groups.insert(if is_anonymous { UNAUTHENTICATED } else { AUTHENTICATED }.to_owned());
        groups
    }
}

/// One rule that an identity has, where it holds, and through what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What is allowed.
    pub rule: Arc<Rule>,
    /// The namespace that it holds in; None for everywhere.
    pub namespace: Option<Arc<str>>,
    /// Through what.
    pub via: Arc<Via>,
}

/// How an identity comes by a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// The binding; None for the group `system:masters`, which needs none.
    pub binding: Option<Key>,
    /// The role; None for `system:masters`.
    pub role: Option<Key>,
    /// The first subject of the binding that is the identity or a group of it.
    pub subject: Subject,
    /// Why it may not have been so at that time.
    pub doubt: Option<String>,
}

impl Grant {
    /// Whether it comes by a group that the API server puts identities in by itself. Taking it away would concern all
    /// of them.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        let subject = &self.via.subject;
        let is_built_in = [AUTHENTICATED, UNAUTHENTICATED, ACCOUNTS].contains(&subject.name.as_str())
            || subject.name.starts_with("system:serviceaccounts:");
        subject.kind == SubjectKind::Group && is_built_in
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.binding, &self.role) {
            (Some(binding), Some(role)) => write!(f, "{binding} of {role} to {}", self.subject),
            _ => write!(f, "membership of {}", self.subject),
        }
    }
}

/// An object and why it may not have stood so.
#[derive(Debug, Clone)]
struct Held {
    object: Arc<Object>,
    doubt: Option<String>,
}

/// Roles and bindings at one moment.
#[derive(Debug, Clone, Default)]
pub struct State {
    roles: HashMap<Key, Held>,
    /// In the authorizer's order: cluster role bindings first.
    bindings: Vec<Held>,
    /// Bindings, and which of their subjects, by kind, namespace and name of the subject.
    by_subject: HashMap<(SubjectKind, String, String), Vec<(usize, usize)>>,
    collected: HashMap<String, Vec<Arc<Rule>>>,
    unknown: Vec<String>,
}

impl State {
    /// The state that these objects make.
    #[must_use]
    pub fn of(objects: impl IntoIterator<Item = Arc<Object>>) -> Self {
        Self::build(objects.into_iter().map(|object| (object, None)).collect(), Vec::new())
    }

    /// The state of objects with doubts; `unknown` says what else is not known.
    pub(super) fn build(mut objects: Vec<(Arc<Object>, Option<String>)>, unknown: Vec<String>) -> Self {
        objects.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        let mut state = Self { unknown, ..Self::default() };
        for (object, doubt) in objects {
            if object.key.kind.is_binding() {
                state.bindings.push(Held { object, doubt });
            } else {
                state.roles.insert(object.key.clone(), Held { object, doubt });
            }
        }
        state.assume_cluster_admin();
        state.index_subjects();
        state.collect();
        state.note_missing_roles();
        state
    }

    /// `cluster-admin` is made by every API server and allows everything; a log rarely shows it being made.
    fn assume_cluster_admin(&mut self) {
        let key = Key::new(Kind::ClusterRole, "", "cluster-admin");
        self.roles.entry(key.clone()).or_insert_with(|| {
            let body = Body::Role { rules: everything().to_vec(), aggregation: None };
            let object = Arc::new(Object { key, labels: BTreeMap::new(), body });
            Held { object, doubt: Some("ClusterRole cluster-admin is assumed to be as it comes".to_owned()) }
        });
    }

    fn index_subjects(&mut self) {
        for (index, held) in self.bindings.iter().enumerate() {
            let Body::Binding { subjects, .. } = &held.object.body else { continue };
            for (place, subject) in subjects.iter().enumerate() {
                let mut namespace = subject.namespace.clone();
                if subject.kind == SubjectKind::ServiceAccount && namespace.is_empty() {
                    namespace.clone_from(&held.object.key.namespace);
                }
                let key = (subject.kind, namespace, subject.name.clone());
                self.by_subject.entry(key).or_default().push((index, place));
            }
        }
    }

    fn collect(&mut self) {
        let roles: BTreeMap<&str, &Object> = self
            .roles
            .iter()
            .filter(|(key, _)| key.kind == Kind::ClusterRole)
            .map(|(key, held)| (key.name.as_str(), held.object.as_ref()))
            .collect();
        let collected = aggregate::collect(&roles);
        self.unknown.extend(collected.notes);
        self.collected = collected.rules;
    }

    fn note_missing_roles(&mut self) {
        let mut missing: BTreeMap<String, (u64, String)> = BTreeMap::new();
        for held in &self.bindings {
            let Body::Binding { role, .. } = &held.object.body else { continue };
            let key = &held.object.key;
            if role_of(key, role).is_none_or(|role| !self.roles.contains_key(&role)) {
                let local = if role.kind == "Role" { format!("{}/", key.namespace) } else { String::new() };
                let named = missing.entry(format!("{} {local}{}", role.kind, role.name));
                named.or_insert_with(|| (0, key.to_string())).0 += 1;
            }
        }
        self.unknown.extend(missing.into_iter().map(|(role, (count, example))| match count {
            1 => format!("{role} is not known; {example} grants it"),
            _ => format!("{role} is not known; {count} bindings grant it, such as {example}"),
        }));
    }

    /// What could not be told: roles that bindings name and nothing shows, objects whose content is not known.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The objects, roles before bindings of their scope.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.roles.values().chain(&self.bindings).map(|held| held.object.as_ref())
    }

    /// The object of that key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Object> {
        let held = self.roles.get(key);
        let held = held.or_else(|| {
            let found = self.bindings.binary_search_by(|held| held.object.key.cmp(key));
            found.ok().map(|index| &self.bindings[index])
        });
        held.map(|held| held.object.as_ref())
    }

    /// Every rule that the identity has, in the order in which the authorizer looks at them.
    #[must_use]
    pub fn grants(&self, who: &Who<'_>) -> Vec<Grant> {
        let groups = who.all_groups();
        let mut grants = Vec::new();
        if groups.contains(MASTERS) {
            let subject = Subject { kind: SubjectKind::Group, namespace: String::new(), name: MASTERS.to_owned() };
            let via = Arc::new(Via { binding: None, role: None, subject, doubt: None });
            let all = everything().map(|rule| Grant { rule, namespace: None, via: Arc::clone(&via) });
            grants.extend(all);
        }
        for (binding, subject) in self.bindings_of(who, groups) {
            self.grants_of(binding, subject, &mut grants);
        }
        grants
    }

    /// The bindings that concern the identity, with the first subject of each that does.
    fn bindings_of(&self, who: &Who<'_>, groups: HashSet<String>) -> BTreeMap<usize, usize> {
        let mut keys = vec![(SubjectKind::User, String::new(), who.name.to_owned())];
        if let Some((namespace, name)) = who.service_account() {
            keys.push((SubjectKind::ServiceAccount, namespace.to_owned(), name.to_owned()));
        }
        keys.extend(groups.into_iter().map(|group| (SubjectKind::Group, String::new(), group)));
        let mut found: BTreeMap<usize, usize> = BTreeMap::new();
        for (binding, subject) in keys.iter().filter_map(|key| self.by_subject.get(key)).flatten() {
            found.entry(*binding).and_modify(|first| *first = (*first).min(*subject)).or_insert(*subject);
        }
        found
    }

    fn grants_of(&self, binding: usize, subject: usize, grants: &mut Vec<Grant>) {
        let held = &self.bindings[binding];
        let Body::Binding { role, subjects } = &held.object.body else { return };
        let Some(role) = role_of(&held.object.key, role) else { return };
        let Some(role_held) = self.roles.get(&role) else { return };
        let Body::Role { rules, .. } = &role_held.object.body else { return };
        let rules = self.collected.get(&role.name).filter(|_| role.kind == Kind::ClusterRole).unwrap_or(rules);
        let mut subject = subjects[subject].clone();
        if subject.kind == SubjectKind::ServiceAccount && subject.namespace.is_empty() {
            subject.namespace.clone_from(&held.object.key.namespace);
        }
        let doubts: Vec<&str> =
            [&held.doubt, &role_held.doubt].into_iter().filter_map(|doubt| doubt.as_deref()).collect();
        let doubt = (!doubts.is_empty()).then(|| doubts.join("; "));
        let key = held.object.key.clone();
        let namespace: Option<Arc<str>> = key.kind.is_namespaced().then(|| key.namespace.as_str().into());
        let via = Arc::new(Via { binding: Some(key), role: Some(role), subject, doubt });
        // rules for URLs hold only where they are granted everywhere
        let rules = rules.iter().filter(|rule| namespace.is_none() || !rule.resources.is_empty());
        grants.extend(rules.map(|rule| Grant {
            rule: Arc::clone(rule),
            namespace: namespace.clone(),
            via: Arc::clone(&via),
        }));
    }
}

/// The role that a binding grants; None where the reference is invalid, which grants nothing.
fn role_of(binding: &Key, role: &RoleRef) -> Option<Key> {
    match (role.kind.as_str(), binding.kind) {
        ("ClusterRole", _) => Some(Key::new(Kind::ClusterRole, "", &role.name)),
        ("Role", Kind::RoleBinding) => Some(Key::new(Kind::Role, &binding.namespace, &role.name)),
        _ => None,
    }
}

/// The two rules of `cluster-admin`.
fn everything() -> [Arc<Rule>; 2] {
    let all = || vec!["*".to_owned()];
    [
        Arc::new(Rule { verbs: all(), api_groups: all(), resources: all(), ..Rule::default() }),
        Arc::new(Rule { verbs: all(), non_resource_urls: all(), ..Rule::default() }),
    ]
}
