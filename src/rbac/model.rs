//! The four kinds of RBAC object, reduced to what decides a request.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::manifest::maybe;

/// The API group of all four kinds.
pub(super) const GROUP: &str = "rbac.authorization.k8s.io";

/// The kind of an RBAC object, in the order in which the authorizer looks at bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Kind {
    /// Rules for the whole cluster, or for any namespace that a `RoleBinding` names.
    ClusterRole,
    /// Grants a cluster role everywhere.
    ClusterRoleBinding,
    /// Rules for one namespace.
    Role,
    /// Grants a role or a cluster role in one namespace.
    RoleBinding,
}

impl Kind {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::ClusterRole, "ClusterRole", "clusterroles"),
        (Self::ClusterRoleBinding, "ClusterRoleBinding", "clusterrolebindings"),
        (Self::Role, "Role", "roles"),
        (Self::RoleBinding, "RoleBinding", "rolebindings"),
    ];

    /// The kind that is written so in `kind`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, kind, _)| *kind == name).map(|(kind, _, _)| *kind)
    }

    /// The kind that a request for `resource` is about.
    #[must_use]
    pub fn from_resource(resource: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, _, plural)| *plural == resource).map(|(kind, _, _)| *kind)
    }

    /// The name in `kind`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _, _)| *kind == self).map_or("", |(_, name, _)| name)
    }

    /// Whether objects of it live in a namespace.
    #[must_use]
    pub fn is_namespaced(self) -> bool {
        matches!(self, Self::Role | Self::RoleBinding)
    }

    /// Whether it binds subjects to a role.
    #[must_use]
    pub fn is_binding(self) -> bool {
        matches!(self, Self::ClusterRoleBinding | Self::RoleBinding)
    }
}

/// Which object: its kind, namespace (empty where it has none) and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// The kind.
    pub kind: Kind,
    /// The namespace, empty for the two cluster-wide kinds.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// The key of an object; a namespace that the kind cannot have is dropped.
    #[must_use]
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.is_namespaced() { namespace } else { "" };
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind.name(), self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind.name(), self.name),
        }
    }
}

/// One policy rule: it allows what all of its lists allow together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// Verbs, `*` for all.
    #[serde(deserialize_with = "maybe", skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
    /// API groups, empty text for the core group, `*` for all.
    #[serde(deserialize_with = "maybe", skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// Resources: `pods`, `pods/exec`, `*/scale`, `*`.
    #[serde(deserialize_with = "maybe", skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Object names; none means all objects, and also requests that name no object.
    #[serde(deserialize_with = "maybe", skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// URL paths outside of the resources, with `*` at the end for all that begin so.
    #[serde(rename = "nonResourceURLs", deserialize_with = "maybe", skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
}

/// The role that a binding grants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct RoleRef {
    /// The kind as written; anything but the two role kinds grants nothing.
    pub kind: String,
    /// The name.
    pub name: String,
}

/// What kind of subject a binding names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum SubjectKind {
    /// A user by name.
    User,
    /// All users in a group.
    Group,
    /// A service account.
    ServiceAccount,
    /// Something that RBAC ignores.
    Other,
}

/// One subject of a binding.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Subject {
    /// The kind.
    pub kind: SubjectKind,
    /// The namespace of a service account; empty means that of the binding.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SubjectKind::User => write!(f, "User {}", self.name),
            SubjectKind::Group => write!(f, "Group {}", self.name),
            SubjectKind::ServiceAccount => write!(f, "ServiceAccount {}/{}", self.namespace, self.name),
            SubjectKind::Other => write!(f, "subject {}", self.name),
        }
    }
}

/// Selects cluster roles by their labels; an empty one selects all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Selector {
    /// Labels that must stand so.
    #[serde(deserialize_with = "maybe")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements, all of which must hold.
    #[serde(deserialize_with = "maybe")]
    pub match_expressions: Vec<Requirement>,
}

/// One requirement of a [`Selector`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Requirement {
    /// The label.
    #[serde(deserialize_with = "maybe")]
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    #[serde(deserialize_with = "maybe")]
    pub operator: String,
    /// The values of `In` and `NotIn`.
    #[serde(deserialize_with = "maybe")]
    pub values: Vec<String>,
}

impl Selector {
    /// Whether an object with these labels is selected; an unknown operator selects nothing, as it is invalid.
    #[must_use]
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|requirement| {
                let value = labels.get(&requirement.key);
                let is_listed = value.is_some_and(|value| requirement.values.contains(value));
                match requirement.operator.as_str() {
                    "In" => is_listed,
                    "NotIn" => !is_listed,
                    "Exists" => value.is_some(),
                    "DoesNotExist" => value.is_none(),
                    _ => false,
                }
            })
    }
}

/// What an object says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Body {
    /// A role's rules, and for a cluster role that collects others the selectors of these.
    Role {
        /// The rules as stored.
        rules: Vec<Arc<Rule>>,
        /// Present where the rules are collected from other cluster roles.
        aggregation: Option<Vec<Selector>>,
    },
    /// A binding's role and subjects.
    Binding {
        /// The role.
        role: RoleRef,
        /// The subjects.
        subjects: Vec<Subject>,
    },
}

/// A role or a binding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    /// Which object.
    pub key: Key,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it says.
    pub body: Body,
}

/// An object, or a list of them, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Raw {
    #[serde(deserialize_with = "maybe")]
    pub(super) kind: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) api_version: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) metadata: RawMetadata,
    #[serde(deserialize_with = "maybe")]
    pub(super) rules: Vec<Rule>,
    pub(super) aggregation_rule: Option<RawAggregation>,
    #[serde(deserialize_with = "maybe")]
    pub(super) role_ref: RawRef,
    #[serde(deserialize_with = "maybe")]
    pub(super) subjects: Vec<RawSubject>,
    #[serde(deserialize_with = "maybe")]
    pub(super) items: Vec<Raw>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawMetadata {
    #[serde(deserialize_with = "maybe")]
    pub(super) name: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) namespace: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawAggregation {
    #[serde(deserialize_with = "maybe")]
    cluster_role_selectors: Vec<Selector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRef {
    #[serde(deserialize_with = "maybe")]
    kind: String,
    #[serde(deserialize_with = "maybe")]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawSubject {
    #[serde(deserialize_with = "maybe")]
    kind: String,
    #[serde(deserialize_with = "maybe")]
    name: String,
    #[serde(deserialize_with = "maybe")]
    namespace: String,
}

impl Raw {
    /// Whether it says anything that decides a request.
    pub(super) fn names_content(&self) -> bool {
        !self.rules.is_empty() || self.aggregation_rule.is_some() || !self.role_ref.name.is_empty()
    }

    /// The object of kind `kind`; None without a name, or without a namespace where the kind lives in one.
    pub(super) fn into_object(self, kind: Kind) -> Option<Object> {
        let key = Key::new(kind, &self.metadata.namespace, &self.metadata.name);
        if key.name.is_empty() || kind.is_namespaced() && key.namespace.is_empty() {
            return None;
        }
        let body = if kind.is_binding() {
            let role = RoleRef { kind: self.role_ref.kind, name: self.role_ref.name };
            Body::Binding { role, subjects: self.subjects.into_iter().map(RawSubject::into_subject).collect() }
        } else {
            let aggregation = self.aggregation_rule.map(|rule| rule.cluster_role_selectors);
            let rules = self.rules.into_iter().map(Arc::new).collect();
            Body::Role { rules, aggregation: aggregation.filter(|_| kind == Kind::ClusterRole) }
        };
        Some(Object { key, labels: self.metadata.labels, body })
    }
}

impl RawSubject {
    fn into_subject(self) -> Subject {
        let kind = match self.kind.as_str() {
            "User" => SubjectKind::User,
            "Group" => SubjectKind::Group,
            "ServiceAccount" => SubjectKind::ServiceAccount,
            _ => SubjectKind::Other,
        };
        let namespace = if kind == SubjectKind::ServiceAccount { self.namespace } else { String::new() };
        Subject { kind, namespace, name: self.name }
    }
}
