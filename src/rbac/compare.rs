//! What was granted, held against what was used.

use std::collections::{BTreeMap, HashMap};

use super::allow::Asked;
use super::matcher::{Class, Fit, Matcher};
use super::model::Rule;
use super::state::Grant;
use crate::limits::{RBAC_CELLS_MAX, RBAC_CELLS_PER_RULE_MAX, RBAC_USES_SHOWN_MAX};

/// Requests of an identity that asked for the same, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used<'a> {
    /// What was asked for.
    pub asked: Asked<'a>,
    /// How many requests, whatever became of them.
    pub count: u64,
    /// How many of them were refused.
    pub denied: u64,
    /// How many of them succeeded.
    pub succeeded: u64,
    /// How many of them made the object (status 201). An update or a patch that does needs the verb `create` too.
    pub created: u64,
    /// The first, in microseconds since 1970.
    pub first: i64,
    /// The last, in microseconds since 1970.
    pub last: i64,
}

/// How often something was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Requests that were not refused.
    pub count: u64,
    /// Those that succeeded.
    pub succeeded: u64,
    /// The first, in microseconds since 1970; None where there is none.
    pub first: Option<i64>,
    /// The last.
    pub last: Option<i64>,
}

impl Tally {
    fn add(&mut self, used: &Used<'_>) {
        self.count = self.count.saturating_add(used.count.saturating_sub(used.denied));
        self.succeeded = self.succeeded.saturating_add(used.succeeded);
        self.first = Some(self.first.map_or(used.first, |first| first.min(used.first)));
        self.last = Some(self.last.map_or(used.last, |last| last.max(used.last)));
    }
}

/// One verb on one resource (and name) of a rule, as the rule writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<'g> {
    /// The verb, or `*`.
    pub verb: &'g str,
    /// The resource or the URL, or the pattern that the rule writes.
    pub target: &'g str,
    /// The object's name, where the rule names objects.
    pub name: Option<&'g str>,
    /// How often it was used; a count of 0 says never.
    pub tally: Tally,
}

/// What was done under a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concrete {
    /// The verb.
    pub verb: String,
    /// The API group.
    pub api_group: String,
    /// The resource with its subresource, or the URL.
    pub target: String,
    /// How often.
    pub tally: Tally,
}

/// The use of one rule in one namespace, which may be granted several times over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantUse<'g> {
    /// Indexes of the grants of this rule; more than one where several bindings grant it.
    pub grants: Vec<usize>,
    /// Over all cells.
    pub tally: Tally,
    /// Every verb × resource × name; of a rule with too many, the used ones.
    pub cells: Vec<Cell<'g>>,
    /// Unused cells that are not listed.
    pub left_out: u64,
    /// What a pattern of the rule was used for, the most used first.
    pub by_pattern: Vec<Concrete>,
    /// Of a rule that holds everywhere: the namespaces it was used in (empty text for the whole cluster), with counts.
    pub namespaces: BTreeMap<String, u64>,
    /// Uses of patterns, and namespaces, that are not listed.
    pub more: u64,
}

/// What [`compare`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison<'g> {
    /// One for each rule and namespace.
    pub grants: Vec<GrantUse<'g>>,
    /// Indexes of requests that were not refused although no known grant allows them.
    pub unexplained: Vec<usize>,
}

impl<'g> Comparison<'g> {
    /// What was granted and never used.
    pub fn unused(&self) -> impl Iterator<Item = (&GrantUse<'g>, &Cell<'g>)> {
        self.grants
            .iter()
            .flat_map(|grant| grant.cells.iter().map(move |cell| (grant, cell)))
            .filter(|(_, cell)| cell.tally.count == 0)
    }

    /// How much was granted and never used, what is not listed included.
    #[must_use]
    pub fn unused_count(&self) -> u64 {
        self.unused().count() as u64 + self.grants.iter().map(|grant| grant.left_out).sum::<u64>()
    }
}

/// The uses of one class, while they are counted.
#[derive(Default)]
struct Uses<'u> {
    tally: Tally,
    cells: HashMap<Fit, Tally>,
    by_pattern: HashMap<(&'u str, &'u str, &'u str, &'u str), Tally>,
    namespaces: HashMap<&'u str, u64>,
    more: u64,
}

/// Holds requests against grants. A request counts for every grant that allows it, since each alone would have been
/// enough.
#[must_use]
pub fn compare<'g>(grants: &'g [Grant], requests: &[Used<'_>]) -> Comparison<'g> {
    let matcher = Matcher::new(grants);
    let mut counted: Vec<Uses<'_>> = matcher.classes().iter().map(|_| Uses::default()).collect();
    let mut unexplained = Vec::new();
    for (index, used) in requests.iter().enumerate().filter(|(_, used)| used.count > used.denied) {
        let matching = matcher.matching(&used.asked);
        if matching.is_empty() {
            unexplained.push(index);
        }
        for class in matching {
            let is_everywhere = grants[matcher.classes()[class].grants[0]].namespace.is_none();
            count(&mut counted[class], &matcher.classes()[class], used, is_everywhere);
        }
    }
    let mut room = RBAC_CELLS_MAX;
    let grants = matcher.classes().iter().zip(counted).map(|(class, uses)| finish(class, uses, &mut room)).collect();
    Comparison { grants, unexplained }
}

fn count<'u>(sums: &mut Uses<'u>, class: &Class<'_>, used: &Used<'u>, is_everywhere: bool) {
    let asked = &used.asked;
    sums.tally.add(used);
    if let Some(fit) = class.fit(asked) {
        sums.cells.entry(fit).or_default().add(used);
    }
    if class.is_by_pattern(asked) {
        let target = if asked.is_path() { asked.path } else { asked.resource };
        let key = (asked.verb, asked.api_group, target, asked.subresource);
        if sums.by_pattern.len() < RBAC_USES_SHOWN_MAX || sums.by_pattern.contains_key(&key) {
            sums.by_pattern.entry(key).or_default().add(used);
        } else {
            sums.more += 1;
        }
    }
    if is_everywhere && !asked.is_path() {
        if sums.namespaces.len() < RBAC_USES_SHOWN_MAX || sums.namespaces.contains_key(asked.namespace) {
            *sums.namespaces.entry(asked.namespace).or_default() += used.count.saturating_sub(used.denied);
        } else {
            sums.more += 1;
        }
    }
}

fn finish<'g>(class: &Class<'g>, uses: Uses<'_>, room: &mut usize) -> GrantUse<'g> {
    let rule = class.rule;
    let names = rule.resource_names.len().max(1);
    let targets = rule.resources.len().saturating_mul(names).saturating_add(rule.non_resource_urls.len());
    let all = rule.verbs.len().saturating_mul(targets);
    let is_listed = all <= RBAC_CELLS_PER_RULE_MAX.min(*room);
    let mut cells: Vec<(Fit, Tally)> = if is_listed {
        fits(rule).map(|fit| (fit, uses.cells.get(&fit).copied().unwrap_or_default())).collect()
    } else {
        uses.cells.into_iter().collect()
    };
    cells.sort_unstable_by_key(|(fit, _)| *fit);
    *room = room.saturating_sub(cells.len());
    let mut by_pattern: Vec<Concrete> = uses
        .by_pattern
        .into_iter()
        .map(|((verb, api_group, target, subresource), tally)| Concrete {
            verb: verb.to_owned(),
            api_group: api_group.to_owned(),
            target: super::allow::combined(target, subresource),
            tally,
        })
        .collect();
    by_pattern.sort_by(|a, b| {
        let key = |use_: &'_ Concrete| (std::cmp::Reverse(use_.tally.count), use_.verb.clone(), use_.api_group.clone());
        key(a).cmp(&key(b)).then_with(|| a.target.cmp(&b.target))
    });
    GrantUse {
        grants: class.grants.clone(),
        tally: uses.tally,
        left_out: (all - cells.len().min(all)) as u64,
        cells: cells.into_iter().map(|(fit, tally)| cell(rule, fit, tally)).collect(),
        by_pattern,
        namespaces: uses.namespaces.into_iter().map(|(namespace, count)| (namespace.to_owned(), count)).collect(),
        more: uses.more,
    }
}

fn cell(rule: &Rule, fit: Fit, tally: Tally) -> Cell<'_> {
    let target = match fit.target.checked_sub(rule.resources.len()) {
        Some(url) => &rule.non_resource_urls[url],
        None => &rule.resources[fit.target],
    };
    Cell { verb: &rule.verbs[fit.verb], target, name: fit.name.map(|name| rule.resource_names[name].as_str()), tally }
}

/// Every combination that a rule grants.
fn fits(rule: &Rule) -> impl Iterator<Item = Fit> + '_ {
    let names: Vec<Option<usize>> = match rule.resource_names.len() {
        0 => vec![None],
        count => (0..count).map(Some).collect(),
    };
    let resources = rule.resources.len();
    (0..rule.verbs.len()).flat_map(move |verb| {
        let each = names.clone();
        let of_resources =
            (0..resources).flat_map(move |target| each.clone().into_iter().map(move |name| Fit { verb, target, name }));
        let urls = resources..resources + rule.non_resource_urls.len();
        of_resources.chain(urls.map(move |target| Fit { verb, target, name: None }))
    })
}
