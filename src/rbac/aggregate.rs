//! Cluster roles that are collected from others by label, as the controller manager does it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::model::{Body, Object, Rule, Selector};
use crate::limits::{RBAC_AGGREGATION_STEPS_MAX, RBAC_RULES_COLLECTED_MAX};

/// The rules of each cluster role that is collected from others, by name.
pub(super) struct Collected {
    pub(super) rules: HashMap<String, Vec<Arc<Rule>>>,
    /// What could not be told.
    pub(super) notes: Vec<String>,
}

struct Collector<'a> {
    roles: &'a BTreeMap<&'a str, &'a Object>,
    by_label: HashMap<(&'a str, &'a str), Vec<&'a str>>,
    steps: usize,
}

/// Collects the rules; roles that collect collectors get what these collect.
pub(super) fn collect(roles: &BTreeMap<&str, &Object>) -> Collected {
    let mut by_label: HashMap<(&str, &str), Vec<&str>> = HashMap::new();
    for (name, role) in roles {
        role.labels.iter().for_each(|(key, value)| by_label.entry((key, value)).or_default().push(name));
    }
    let mut collector = Collector { roles, by_label, steps: 0 };
    let mut collected = Collected { rules: HashMap::new(), notes: Vec::new() };
    let mut held = 0;
    for (name, role) in roles {
        let Body::Role { rules: stored, aggregation: Some(selectors) } = &role.body else { continue };
        let mut all = collector.rules_of(name, selectors);
        if all.is_empty() && !stored.is_empty() {
            // the controller would have emptied it, so the roles that it was collected from are merely not known
            all.clone_from(stored);
        } else {
            let unexplained = collector.add_stored(&mut all, stored);
            if unexplained > 0 {
                let note = format!("ClusterRole {name}: {unexplained} of its rules come from roles that are not known");
                collected.notes.push(note);
            }
        }
        held += all.len();
        if collector.steps > RBAC_AGGREGATION_STEPS_MAX || held > RBAC_RULES_COLLECTED_MAX {
            collected.notes.push(format!(
                "ClusterRole {name} and later ones: too many rules to collect, so only their stored rules are known"
            ));
            break;
        }
        collected.rules.insert((*name).to_owned(), all);
    }
    collected
}

impl<'a> Collector<'a> {
    /// The rules of all roles that the selectors reach, over collected roles too, each rule once.
    fn rules_of(&mut self, name: &'a str, selectors: &'a [Selector]) -> Vec<Arc<Rule>> {
        let mut seen: HashSet<&str> = HashSet::from([name]);
        let mut open: Vec<&'a [Selector]> = vec![selectors];
        let mut leaves: BTreeMap<&str, &'a [Arc<Rule>]> = BTreeMap::new();
        while let Some(selectors) = open.pop() {
            for selected in selectors.iter().flat_map(|selector| self.selected(selector)).collect::<Vec<_>>() {
                self.steps += 1;
                if self.steps > RBAC_AGGREGATION_STEPS_MAX || !seen.insert(selected) {
                    continue;
                }
                match self.roles.get(selected).map(|role| &role.body) {
                    Some(Body::Role { aggregation: Some(selectors), .. }) => open.push(selectors),
                    Some(Body::Role { rules, .. }) => drop(leaves.insert(selected, rules)),
                    _ => {}
                }
            }
        }
        let mut known: HashSet<&Rule> = HashSet::new();
        let rules = leaves.values().copied().flatten().filter(|rule| known.insert(rule));
        let rules: Vec<Arc<Rule>> = rules.cloned().collect();
        self.steps += rules.len();
        rules
    }

    /// Names of the roles that a selector selects; by the index wherever it names a label.
    fn selected(&mut self, selector: &'a Selector) -> Vec<&'a str> {
        let candidates: Vec<&'a str> = match selector.match_labels.iter().next() {
            Some((key, value)) => self.by_label.get(&(key.as_str(), value.as_str())).cloned().unwrap_or_default(),
            None => self.roles.keys().copied().collect(),
        };
        self.steps += candidates.len();
        if self.steps > RBAC_AGGREGATION_STEPS_MAX {
            return Vec::new();
        }
        candidates.into_iter().filter(|name| selector.selects(&self.roles[name].labels)).collect()
    }

    /// Adds stored rules that nothing known explains, and says how many.
    fn add_stored(&mut self, rules: &mut Vec<Arc<Rule>>, stored: &[Arc<Rule>]) -> usize {
        let known: HashSet<&Rule> = rules.iter().map(AsRef::as_ref).collect();
        let missing: Vec<_> = stored.iter().filter(|rule| !known.contains(rule.as_ref())).cloned().collect();
        self.steps += stored.len();
        rules.extend(missing.iter().cloned());
        missing.len()
    }
}
