//! What applying a proposal changes: lines that go, come and stay, and which bindings to touch.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Body, Key, Kind, Subject, SubjectKind};
use super::state::{Grant, State, Who};
use super::yaml::scalar;
use crate::limits::RBAC_DIFF_LINES_MAX;

/// What becomes of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is in both.
    Kept,
    /// It goes.
    Removed,
    /// It comes.
    Added,
}

/// Verbs on one thing in one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What becomes of it.
    pub change: Change,
    /// The namespace, None for everywhere.
    pub namespace: Option<String>,
    /// The API group; None for a URL.
    pub api_group: Option<String>,
    /// The resource with its subresource, or the URL.
    pub target: String,
    /// The object's name, where the rule names objects.
    pub name: Option<String>,
    /// The verbs.
    pub verbs: Vec<String>,
    /// Through which binding, for what goes; empty for what comes.
    pub via: Vec<String>,
}

/// What to do to one binding of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingChange {
    /// The binding; None for the group `system:masters`, which has none.
    pub binding: Option<Key>,
    /// The subject that the identity is, or is in.
    pub subject: Subject,
    /// How many other subjects the binding has.
    pub others: usize,
}

/// The difference that a proposal makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Everywhere first, then by namespace.
    pub lines: Vec<Line>,
    /// Bindings that grant what goes.
    pub bindings: Vec<BindingChange>,
    /// Permissions that are not listed, being too many.
    pub more: u64,
}

/// Scope, group (None for URLs), target, name.
type Place = (Option<String>, Option<String>, String, Option<String>);

/// Verbs on a place, each with the bindings that grant it.
type Places = BTreeMap<Place, BTreeMap<String, BTreeSet<String>>>;

/// What the identity has beside what it would have. Grants that every such identity has are on neither side.
pub(super) fn between(present: &State, who: &Who<'_>, proposed: &State) -> Diff {
    let has = present.grants(who);
    let will = proposed.grants(&Who { name: who.name, groups: &[] });
    let mut diff = Diff::default();
    let before = places(has.iter().filter(|grant| !grant.is_shared()), &mut diff.more);
    let after = places(will.iter(), &mut diff.more);
    let nothing = BTreeMap::new();
    for place in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let old = before.get(place).unwrap_or(&nothing);
        let new = after.get(place).unwrap_or(&nothing);
        let sides = [
            (Change::Kept, old, Some(new), true),
            (Change::Removed, old, Some(new), false),
            (Change::Added, new, Some(old), false),
        ];
        for (change, side, other, is_in_both) in sides {
            let chosen =
                side.iter().filter(|(verb, _)| other.is_some_and(|other| other.contains_key(*verb)) == is_in_both);
            let (verbs, vias): (Vec<&String>, Vec<&BTreeSet<String>>) = chosen.unzip();
            if verbs.is_empty() {
                continue;
            }
            let via: BTreeSet<String> = match change {
                Change::Added => BTreeSet::new(),
                _ => vias.into_iter().flatten().cloned().collect(),
            };
            let (namespace, api_group, target, name) = place.clone();
            let (verbs, via) = (verbs.into_iter().cloned().collect(), via.into_iter().collect());
            diff.lines.push(Line { change, namespace, api_group, target, name, verbs, via });
        }
    }
    diff.bindings = bindings(present, &has);
    diff
}

fn places<'g>(grants: impl Iterator<Item = &'g Grant>, more: &mut u64) -> Places {
    let mut places = Places::new();
    let mut room = RBAC_DIFF_LINES_MAX;
    for grant in grants {
        let rule = &grant.rule;
        let via = grant.via.to_string();
        let scope = grant.namespace.as_deref().map(str::to_owned);
        let names: Vec<Option<&String>> = match rule.resource_names.len() {
            0 => vec![None],
            _ => rule.resource_names.iter().map(Some).collect(),
        };
        let all = rule.api_groups.len().saturating_mul(rule.resources.len()).saturating_mul(names.len());
        let all = all.saturating_add(rule.non_resource_urls.len()).saturating_mul(rule.verbs.len());
        if all > room {
            *more = more.saturating_add(all as u64);
            continue;
        }
        room -= all;
        let mut add = |group: Option<&String>, target: &String, name: Option<&String>| {
            let place = (scope.clone(), group.cloned(), target.clone(), name.cloned());
            let verbs = places.entry(place).or_default();
            for verb in &rule.verbs {
                verbs.entry(verb.clone()).or_default().insert(via.clone());
            }
        };
        for group in &rule.api_groups {
            for resource in &rule.resources {
                names.iter().for_each(|name| add(Some(group), resource, *name));
            }
        }
        if scope.is_none() {
            rule.non_resource_urls.iter().for_each(|url| add(None, url, None));
        }
    }
    places
}

fn bindings(present: &State, grants: &[Grant]) -> Vec<BindingChange> {
    let mut changes: BTreeMap<Option<Key>, BindingChange> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| !grant.is_shared()) {
        let via = &grant.via;
        changes.entry(via.binding.clone()).or_insert_with(|| {
            let object = via.binding.as_ref().and_then(|key| present.get(key));
            let others = match object.map(|object| &object.body) {
                Some(Body::Binding { subjects, .. }) => subjects.len().saturating_sub(1),
                _ => 0,
            };
            BindingChange { binding: via.binding.clone(), subject: via.subject.clone(), others }
        });
    }
    changes.into_values().collect()
}

impl BindingChange {
    /// What to do, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let subject = subject_words(&self.subject);
        let Some(binding) = &self.binding else { return format!("take it out of {subject}") };
        let binding = key_words(binding);
        match (self.subject.kind, self.others) {
            (SubjectKind::Group, _) => {
                format!("take it out of {subject}, which {binding} grants; other members keep it")
            }
            (_, 0) => format!("delete {binding}: {subject} is its only subject"),
            (_, 1) => format!("take {subject} out of {binding}; 1 other subject keeps it"),
            (_, others) => format!("take {subject} out of {binding}; {others} other subjects keep it"),
        }
    }
}

fn key_words(key: &Key) -> String {
    let namespace = if key.kind.is_namespaced() { format!("{}/", scalar(&key.namespace)) } else { String::new() };
    format!("{} {namespace}{}", Kind::name(key.kind), scalar(&key.name))
}

fn subject_words(subject: &Subject) -> String {
    match subject.kind {
        SubjectKind::ServiceAccount => {
            format!("ServiceAccount {}/{}", scalar(&subject.namespace), scalar(&subject.name))
        }
        SubjectKind::Group => format!("Group {}", scalar(&subject.name)),
        SubjectKind::User | SubjectKind::Other => format!("User {}", scalar(&subject.name)),
    }
}

impl Diff {
    /// The lines as text, `-` for what goes, `+` for what comes, in plain ASCII whatever the names hold.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut scope: Option<&Option<String>> = None;
        for line in &self.lines {
            if scope != Some(&line.namespace) {
                out.push_str(&match &line.namespace {
                    None => "everywhere:\n".to_owned(),
                    Some(namespace) => format!("in namespace {}:\n", scalar(namespace)),
                });
                scope = Some(&line.namespace);
            }
            out.push_str(&line.text());
            out.push('\n');
        }
        if self.more > 0 {
            out.push_str(&format!("{} more permissions of now, too many to list\n", self.more));
        }
        self.bindings.iter().for_each(|binding| out.push_str(&format!("{}\n", binding.words())));
        out
    }
}

impl Line {
    /// One line: `- list, watch on secrets`.
    #[must_use]
    pub fn text(&self) -> String {
        let mark = match self.change {
            Change::Kept => ' ',
            Change::Removed => '-',
            Change::Added => '+',
        };
        let verbs: Vec<String> = self.verbs.iter().map(|verb| word(verb)).collect();
        let target = match self.api_group.as_deref() {
            None | Some("") => word(&self.target),
            Some(group) => format!("{} of {}", word(&self.target), word(group)),
        };
        let name = self.name.as_ref().map(|name| format!(" named {}", scalar(name))).unwrap_or_default();
        format!("{mark} {} on {target}{name}", verbs.join(", "))
    }
}

/// A text of a rule, quoted only where it is not what such texts look like.
fn word(text: &str) -> String {
    let is_tame = |letter: char| letter.is_ascii_alphanumeric() || "-._/*:".contains(letter);
    if !text.is_empty() && text.chars().all(is_tame) { text.to_owned() } else { super::yaml::quoted(text) }
}
