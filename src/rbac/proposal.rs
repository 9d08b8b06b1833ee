//! The proposed roles and bindings, what could not be proposed, and what to know before applying them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compare::Used;
use super::diff::{self, Diff};
use super::model::{Body, Key, Kind, Object, RoleRef, Rule, Subject, SubjectKind};
use super::state::{Grant, State, Who};
use super::tighten::Options;
use super::validate::{is_dns_label, is_dns_subdomain};
use super::yaml;
use crate::limits::{RBAC_DAYS_TRUSTED, RBAC_NOTES_MAX};

/// Why a permission reaches further than the requests that it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// A request that must go on working asked for exactly this.
    Needed,
    /// A request that must go on working names no object (`list`, `create` ...), so that RBAC sees no name.
    NoName,
    /// Objects of this resource get new names all the time.
    Passing,
    /// There are more names than a rule should hold.
    TooMany,
    /// A grant that every such identity has allows it.
    Kept,
}

impl Breadth {
    fn words(self) -> &'static str {
        match self {
            Self::Needed => "legitimate requests need the same",
            Self::NoName => "legitimate requests on it name no object",
            Self::Passing => "its objects get new names all the time",
            Self::TooMany => "there are too many names",
            Self::Kept => "a grant allows it that every such identity has",
        }
    }
}

/// A request that cannot be granted by a rule of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The verb.
    pub verb: String,
    /// The API group.
    pub api_group: String,
    /// The resource with its subresource, or the path.
    pub target: String,
    /// The namespace, or empty.
    pub namespace: String,
    /// The name, or empty.
    pub name: String,
    /// How often it succeeded.
    pub succeeded: u64,
    /// Why.
    pub why: &'static str,
}

impl LeftOut {
    pub(super) fn of(used: &Used<'_>, why: &'static str) -> Self {
        let asked = &used.asked;
        Self {
            verb: asked.verb.to_owned(),
            api_group: asked.api_group.to_owned(),
            target: if asked.is_path() { asked.path.to_owned() } else { asked.combined() },
            namespace: asked.namespace.to_owned(),
            name: asked.name.to_owned(),
            succeeded: used.succeeded,
            why,
        }
    }
}

/// A permission that names no objects although the requests did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnamed {
    /// The namespace, or empty for the whole cluster.
    pub namespace: String,
    /// The API group.
    pub api_group: String,
    /// The resource with its subresource.
    pub resource: String,
    /// The verb.
    pub verb: String,
    /// How many objects the requests named.
    pub names: usize,
    /// Why.
    pub why: Breadth,
}

/// A request of the theft that the proposal does not stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StillAllowed {
    /// Its index among the excluded.
    pub excluded: usize,
    /// Why.
    pub why: Breadth,
}

/// The least roles and bindings for what was used.
#[derive(Debug, Clone, Default)]
pub struct Proposal {
    /// Each role followed by its binding.
    pub objects: Vec<Object>,
    /// Requests that succeeded and cannot be granted by name.
    pub left_out: Vec<LeftOut>,
    /// Permissions without names.
    pub unnamed: Vec<Unnamed>,
    /// Requests of the theft that go on working.
    pub still_allowed: Vec<StillAllowed>,
    /// Different requests that succeeded and are granted.
    pub uses: usize,
    /// Different requests that need no new grant, since [`Options::kept`] allow them.
    pub kept_uses: usize,
    /// Different requests that were not refused and never succeeded: nothing was granted for them.
    pub never_succeeded: usize,
    /// Different requests that no grant of [`Options::within`] explains.
    pub unexplained: usize,
    /// Verbs granted because the API server asks for them beside the one that the event shows.
    pub implied: usize,
    /// Bindings for everybody, or for every account, through which the theft goes on.
    pub open: BTreeSet<String>,
    who: String,
    days: Option<f64>,
    is_bounded: bool,
    is_master: bool,
}

/// The rules of one namespace, or of the whole cluster (empty).
pub(super) struct Made {
    pub(super) namespace: String,
    pub(super) rules: Vec<Rule>,
}

impl Proposal {
    pub(super) fn new(who: &Who<'_>, options: &Options<'_>) -> Self {
        let within = options.within.unwrap_or_default();
        Self {
            who: if who.is_group() { who.groups.concat() } else { who.name.to_owned() },
            days: options.days,
            is_bounded: options.within.is_some(),
            is_master: within.iter().any(|grant| grant.via.binding.is_none()),
            ..Self::default()
        }
    }

    /// Notes through what a request of the theft stays allowed. What Kubernetes itself gives to everybody shows no
    /// secrets, and is not worth a word.
    pub(super) fn note_open<'a>(&mut self, grants: impl Iterator<Item = &'a Grant>) {
        let is_own = |grant: &&Grant| grant.via.binding.as_ref().is_some_and(|key| !key.name.starts_with("system:"));
        let room = RBAC_NOTES_MAX.saturating_sub(self.open.len());
        self.open.extend(grants.filter(is_own).take(room).map(|grant| grant.via.to_string()));
    }

    /// The state of a cluster that holds nothing but the proposal.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(self.objects.iter().cloned().map(Arc::new))
    }

    /// The objects as YAML for `kubectl apply -f`.
    #[must_use]
    pub fn yaml(&self) -> String {
        if self.objects.is_empty() {
            return String::new();
        }
        let head = format!("# what {} successfully used, and no more\n", yaml::quoted(&self.who));
        head + &yaml::write(&self.objects)
    }

    /// The proposal beside what `who` has in `present`.
    #[must_use]
    pub fn diff(&self, present: &State, who: &Who<'_>) -> Diff {
        diff::between(present, who, &self.state())
    }

    /// What to know before applying it, the gravest first.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.is_master {
            warnings
                .push("it is in the group system:masters, which no role limits: take it out of that group".to_owned());
        }
        match self.days {
            Some(days) if days >= RBAC_DAYS_TRUSTED => {}
            Some(days) => warnings.push(format!(
                "this rests on only {days:.0} days of log; what runs monthly or by hand may be missing: trust it from \
                 {RBAC_DAYS_TRUSTED:.0} days on"
            )),
            None => warnings.push("how many days of log this rests on is not known".to_owned()),
        }
        if self.objects.is_empty() && self.left_out.is_empty() {
            warnings.push("nothing that it used needs a grant of its own: its bindings can go".to_owned());
        }
        if !self.is_bounded {
            warnings.push("what it is granted now is not known, so this may allow more than that".to_owned());
        }
        if self.who.starts_with("system:node:") {
            warnings.push("kubelets are also allowed by the Node authorizer, which no role shows".to_owned());
        }
        let counts = [
            (
                self.unexplained,
                "kinds of request were allowed by no grant that is known: a role may be missing here, or another authorizer decides too",
            ),
            (
                self.never_succeeded,
                "kinds of request were allowed and never succeeded, so they are refused from now on",
            ),
            (
                self.left_out.len(),
                "kinds of request succeeded and cannot be granted by name, so they are refused from now on",
            ),
            (
                self.implied,
                "kinds of request get the verb create as well, which the API server asks for beside the one logged",
            ),
            (self.still_allowed.len(), "kinds of request of the theft stay allowed"),
        ];
        warnings.extend(counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        let open = self.open.iter();
        warnings.extend(open.map(|via| format!("the theft goes on through {via}, until it is taken from all of them")));
        self.warn_of_breadth(&mut warnings);
        self.warn_of_power(&mut warnings);
        warnings
    }

    fn warn_of_breadth(&self, warnings: &mut Vec<String>) {
        for unnamed in self.unnamed.iter().take(RBAC_NOTES_MAX) {
            let scope = scope(&unnamed.namespace);
            let (verb, resource) = (yaml::scalar(&unnamed.verb), yaml::scalar(&unnamed.resource));
            warnings.push(format!(
                "{verb} on {resource} {scope} is not held to the {} names used: {}",
                unnamed.names,
                unnamed.why.words()
            ));
        }
    }

    /// What the granted verbs let an identity do that their names do not say.
    fn warn_of_power(&self, warnings: &mut Vec<String>) {
        for object in &self.objects {
            let Body::Role { rules, .. } = &object.body else { continue };
            let has = |verbs: &[&str], resources: &[&str]| {
                rules.iter().any(|rule| {
                    rule.verbs.iter().any(|verb| verbs.contains(&verb.as_str()))
                        && rule.resources.iter().any(|resource| resources.contains(&resource.as_str()))
                })
            };
            let scope = scope(&object.key.namespace);
            if has(&["list", "watch"], &["secrets"]) {
                warnings.push(format!("list and watch of secrets {scope} show every value"));
            }
            if has(&["create", "update", "patch"], WORKLOADS) {
                warnings.push(format!("whoever makes or changes workloads {scope} can mount every secret there"));
            }
            if has(&["create", "update", "patch"], BINDERS) {
                warnings.push(format!(
                    "it writes roles or bindings {scope}: the API server also wants it to hold what they grant, or the \
                     verbs escalate and bind"
                ));
            }
        }
    }
}

const WORKLOADS: &[&str] = &[
    "pods",
    "deployments",
    "daemonsets",
    "statefulsets",
    "replicasets",
    "replicationcontrollers",
    "jobs",
    "cronjobs",
    "pods/ephemeralcontainers",
];
const BINDERS: &[&str] = &["roles", "clusterroles", "rolebindings", "clusterrolebindings"];

fn scope(namespace: &str) -> String {
    if namespace.is_empty() { "in the whole cluster".to_owned() } else { format!("in {}", yaml::scalar(namespace)) }
}

/// A role and a binding for each scope that has rules.
pub(super) fn objects(who: &Who<'_>, made: impl Iterator<Item = Made>) -> Vec<Object> {
    let name = name_for(who);
    let subject = subject_for(who);
    let mut objects = Vec::new();
    for Made { namespace, rules } in made {
        let (role, binding) = match namespace.as_str() {
            "" => (Kind::ClusterRole, Kind::ClusterRoleBinding),
            _ => (Kind::Role, Kind::RoleBinding),
        };
        let labels = BTreeMap::new();
        let body = Body::Role { rules: rules.into_iter().map(Arc::new).collect(), aggregation: None };
        objects.push(Object { key: Key::new(role, &namespace, &name), labels: labels.clone(), body });
        let role = RoleRef { kind: role.name().to_owned(), name: name.clone() };
        let body = Body::Binding { role, subjects: vec![subject.clone()] };
        objects.push(Object { key: Key::new(binding, &namespace, &name), labels, body });
    }
    objects
}

/// A name for the made objects: a DNS subdomain that says whose they are, different for every identity.
fn name_for(who: &Who<'_>) -> String {
    const PREFIX: &str = "least-privilege";
    let (kind, own) = match (who.name, who.groups) {
        ("", [group]) => ("-group", *group),
        (name, _) => ("", name),
    };
    if let Some((namespace, account)) = who.service_account() {
        let name = format!("{PREFIX}.{namespace}.{account}");
        if is_dns_subdomain(&name) {
            return name;
        }
    }
    let words = own.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    slug.truncate(60);
    let hash = blake3::hash(format!("{kind}/{own}").as_bytes()).to_hex();
    // the hash ends it in a letter or digit, whatever was cut; service accounts' names have another shape
    format!("{PREFIX}{kind}-{slug}-{}", &hash[..12]).replace("--", "-")
}

fn subject_for(who: &Who<'_>) -> Subject {
    match who.service_account() {
        Some((namespace, name)) if is_dns_label(namespace) && is_dns_subdomain(name) => {
            Subject { kind: SubjectKind::ServiceAccount, namespace: namespace.to_owned(), name: name.to_owned() }
        }
        _ => match (who.name, who.groups) {
            ("", [group]) => Subject { kind: SubjectKind::Group, namespace: String::new(), name: (*group).to_owned() },
            (name, _) => Subject { kind: SubjectKind::User, namespace: String::new(), name: name.to_owned() },
        },
    }
}
