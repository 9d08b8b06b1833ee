//! What is granted, counted against every request that the generator makes: plain counting, which shares nothing with
//! the way in which the program answers the same question.

use std::collections::HashMap;

use serde::Serialize;

use super::{Rights, Rule};
use crate::generate::actor::Actor;
use crate::generate::call::{Call, Outcome};

/// The rights of one rule, and what of them nobody asked for: a part of a line of `_rights.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// Where it holds; `None`: everywhere.
    pub namespace: Option<&'static str>,
    /// The role that has the rule.
    pub role: String,
    /// How many requests it allowed that nothing else refused.
    pub requests: u64,
    /// `get secrets`, `get leases named elector`.
    pub unused: Vec<String>,
}

/// One verb on one resource (and name) or URL of a rule.
#[derive(Debug)]
struct Cell {
    verb: &'static str,
    target: &'static str,
    name: Option<&'static str>,
    is_url: bool,
}

/// A rule that an identity has.
#[derive(Debug)]
struct Held {
    namespace: &'static str,
    role: String,
    rule: Rule,
    cells: Vec<Cell>,
    /// Where its counts begin: that of its requests, then one for each cell.
    first: usize,
}

/// Who has what.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    holders: HashMap<String, Vec<Held>>,
    counts: usize,
}

impl Ledger {
    /// The rights of these identities, each with its groups.
    pub(crate) fn new(rights: &Rights, identities: impl IntoIterator<Item = (String, Vec<String>)>) -> Self {
        let mut ledger = Self::default();
        for (identity, groups) in identities {
            let mut all = Vec::new();
            for (namespace, role, rule) in rights.held(&identity, &groups) {
                let (cells, first) = (rule.cells(), ledger.counts);
                ledger.counts += 1 + cells.len();
                all.push(Held { namespace, role: role.name.clone(), rule: rule.clone(), cells, first });
            }
            ledger.holders.insert(identity, all);
        }
        ledger
    }

    /// Counts of nothing.
    pub(crate) fn blank(&self) -> Vec<u64> {
        vec![0; self.counts]
    }

    /// Counts a request for whoever's rights it used.
    pub(crate) fn count(&self, counts: &mut [u64], actor: &Actor, call: &Call) {
        if self.counts == 0 || matches!(call.outcome, Outcome::Forbidden | Outcome::Refused(_) | Outcome::Unauthorized)
        {
            return;
        }
        let user = call.acting();
        let Some(holder) = self.holders.get(user.as_deref().unwrap_or(&actor.name)) else { return };
        let ask = Ask::of(call);
        for held in holder.iter().filter(|held| held.reaches(&ask)) {
            let mut is_allowed = false;
            for (place, _) in held.cells.iter().enumerate().filter(|(_, cell)| cell.allows(&ask)) {
                counts[held.first + 1 + place] += 1;
                is_allowed = true;
            }
            counts[held.first] += u64::from(is_allowed);
        }
    }

    /// What an identity has and what of it was never used; `None` where it is not known.
    pub(crate) fn granted(&self, identity: &str, counts: &[u64]) -> Option<Vec<Granted>> {
        let granted = self.holders.get(identity)?.iter().map(|held| {
            let unused = held.cells.iter().enumerate().filter(|(place, _)| counts[held.first + 1 + place] == 0);
            Granted {
                namespace: Some(held.namespace).filter(|namespace| !namespace.is_empty()),
                role: held.role.clone(),
                requests: counts[held.first],
                unused: unused.map(|(_, cell)| cell.words()).collect(),
            }
        });
        Some(granted.collect())
    }
}

impl Rule {
    fn cells(&self) -> Vec<Cell> {
        let names: Vec<_> =
            if self.names.is_empty() { vec![None] } else { self.names.iter().copied().map(Some).collect() };
        let mut cells = Vec::new();
        for &verb in &self.verbs {
            for &target in &self.resources {
                cells.extend(names.iter().map(|&name| Cell { verb, target, name, is_url: false }));
            }
            cells.extend(self.urls.iter().map(|&target| Cell { verb, target, name: None, is_url: true }));
        }
        cells
    }
}

/// What the API server's authorizer sees of a request.
struct Ask<'a> {
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    subresource: &'a str,
    namespace: &'a str,
    name: &'a str,
    path: &'a str,
}

impl<'a> Ask<'a> {
    fn of(call: &Call<'a>) -> Self {
        let resource = call.resource;
        let name = resource.map_or("", |resource| resource.name);
        Self {
            verb: call.verb,
            group: resource.map_or("", |resource| resource.group),
            resource: name,
            subresource: call.subresource,
            // a namespace is in itself
            namespace: if name == "namespaces" && call.namespace.is_empty() { call.name } else { call.namespace },
            // the name of what is made stands in the body, which is read later
            name: if call.verb == "create" && call.subresource.is_empty() { "" } else { call.name },
            path: call.path,
        }
    }
}

impl Held {
    fn reaches(&self, ask: &Ask) -> bool {
        (self.namespace.is_empty() || self.namespace == ask.namespace)
            && (ask.resource.is_empty() || self.rule.groups.iter().any(|group| *group == "*" || *group == ask.group))
    }
}

impl Cell {
    fn allows(&self, ask: &Ask) -> bool {
        if self.is_url != ask.resource.is_empty() || self.verb != "*" && self.verb != ask.verb {
            return false;
        }
        if self.is_url {
            let start = self.target.strip_suffix('*');
            return start.map_or(self.target == ask.path, |start| ask.path.starts_with(start));
        }
        let (resource, subresource) = self.target.split_once('/').unwrap_or((self.target, ""));
        let is_target = self.target == "*"
            || subresource == ask.subresource
                && (resource == ask.resource || resource == "*" && !subresource.is_empty());
        is_target && self.name.is_none_or(|name| name == ask.name)
    }

    fn words(&self) -> String {
        let name = self.name.map(|name| format!(" named {name}")).unwrap_or_default();
        format!("{} {}{name}", self.verb, self.target)
    }
}
