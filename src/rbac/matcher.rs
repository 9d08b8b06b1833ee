//! Grants indexed by what they are about, so that millions of requests can be held against thousands of grants.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::allow::Asked;
use super::model::Rule;
use super::state::Grant;

/// An index over grants. Grants of the same rule in the same namespace are one *class*: they allow the same.
pub struct Matcher<'g> {
    classes: Vec<Class<'g>>,
    /// Classes by namespace (None for everywhere) and by the resource as the rule writes it.
    by_resource: HashMap<(Option<&'g str>, &'g str), Vec<usize>>,
    by_url: HashMap<&'g str, Vec<usize>>,
    /// Classes by what stands before the `*` of a URL.
    by_prefix: HashMap<&'g str, Vec<usize>>,
    prefix_lengths: BTreeSet<usize>,
}

/// Grants that allow the same.
pub(super) struct Class<'g> {
    pub(super) rule: &'g Rule,
    /// Indexes of the grants.
    pub(super) grants: Vec<usize>,
    verbs: Places<'g>,
    groups: Places<'g>,
    resources: Places<'g>,
    names: Places<'g>,
    urls: Places<'g>,
}

/// Where in a list each text stands first.
type Places<'g> = HashMap<&'g str, usize>;

fn places(list: &[String]) -> Places<'_> {
    list.iter().enumerate().rev().map(|(place, text)| (text.as_str(), place)).collect()
}

/// The entries of a rule's lists that fit a request best: an exact one before a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Fit {
    pub(super) verb: usize,
    /// Among the resources, and after them the URLs.
    pub(super) target: usize,
    /// None where the rule names no objects.
    pub(super) name: Option<usize>,
}

impl<'g> Matcher<'g> {
    /// Indexes the grants; time and memory grow with their rules.
    #[must_use]
    pub fn new(grants: &'g [Grant]) -> Self {
        let mut matcher = Self {
            classes: Vec::new(),
            by_resource: HashMap::new(),
            by_url: HashMap::new(),
            by_prefix: HashMap::new(),
            prefix_lengths: BTreeSet::new(),
        };
        let mut known: HashMap<(Option<&str>, &Rule), usize> = HashMap::new();
        for (index, grant) in grants.iter().enumerate() {
            let namespace = grant.namespace.as_deref();
            let rule = grant.rule.as_ref();
            if let Some(class) = known.get(&(namespace, rule)) {
                matcher.classes[*class].grants.push(index);
                continue;
            }
            known.insert((namespace, rule), matcher.classes.len());
            matcher.add(namespace, rule, index);
        }
        matcher
    }

    fn add(&mut self, namespace: Option<&'g str>, rule: &'g Rule, grant: usize) {
        let index = self.classes.len();
        self.classes.push(Class {
            rule,
            grants: vec![grant],
            verbs: places(&rule.verbs),
            groups: places(&rule.api_groups),
            resources: places(&rule.resources),
            names: places(&rule.resource_names),
            urls: places(&rule.non_resource_urls),
        });
        for resource in rule.resources.iter().map(String::as_str).collect::<HashSet<_>>() {
            self.by_resource.entry((namespace, resource)).or_default().push(index);
        }
        if namespace.is_some() {
            return;
        }
        for url in rule.non_resource_urls.iter().map(String::as_str).collect::<HashSet<_>>() {
            self.by_url.entry(url).or_default().push(index);
            if url.ends_with('*') {
                let prefix = url.trim_end_matches('*');
                self.prefix_lengths.insert(prefix.len());
                self.by_prefix.entry(prefix).or_default().push(index);
            }
        }
    }

    pub(super) fn classes(&self) -> &[Class<'g>] {
        &self.classes
    }

    /// Whether any grant allows the request.
    #[must_use]
    pub fn allows(&self, asked: &Asked<'_>) -> bool {
        let mut found = false;
        self.visit(asked, |_| {
            found = true;
            false
        });
        found
    }

    /// The classes that allow the request, each once, in order.
    pub(super) fn matching(&self, asked: &Asked<'_>) -> Vec<usize> {
        let mut found = Vec::new();
        self.visit(asked, |class| {
            found.push(class);
            true
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Calls `each` with every class that allows the request, until it says false; a class may come more than once.
    fn visit(&self, asked: &Asked<'_>, mut each: impl FnMut(usize) -> bool) {
        let mut try_all = |classes: Option<&Vec<usize>>| {
            let allowed = classes.into_iter().flatten().filter(|class| self.classes[**class].allows(asked));
            allowed.copied().all(&mut each)
        };
        if asked.is_path() {
            let prefixes = self.prefix_lengths.iter().filter_map(|length| asked.path.get(..*length));
            let _ = try_all(self.by_url.get(asked.path))
                && prefixes.into_iter().all(|prefix| try_all(self.by_prefix.get(prefix)));
            return;
        }
        let combined = asked.combined();
        let any = format!("*/{}", asked.subresource);
        let patterns: [&str; 3] = [&combined, "*", if asked.subresource.is_empty() { "*" } else { &any }];
        let scopes = [None, Some(asked.namespace)];
        let _ = scopes.iter().all(|scope| {
            let patterns = if asked.subresource.is_empty() { &patterns[..2] } else { &patterns[..] };
            patterns.iter().all(|pattern| try_all(self.by_resource.get(&(*scope, *pattern))))
        });
    }
}

impl Class<'_> {
    /// Whether verb, group and name fit; the resource or the URL is what the class was found by.
    fn allows(&self, asked: &Asked<'_>) -> bool {
        let holds = |places: &Places<'_>, value: &str| places.contains_key("*") || places.contains_key(value);
        if !holds(&self.verbs, asked.verb) {
            return false;
        }
        asked.is_path()
            || holds(&self.groups, asked.api_group)
                && (self.names.is_empty() || self.names.contains_key(asked.name_seen()))
    }

    /// Which entries allow a request that the class allows.
    pub(super) fn fit(&self, asked: &Asked<'_>) -> Option<Fit> {
        let exact_or_all = |places: &Places<'_>, value: &str| places.get(value).or_else(|| places.get("*")).copied();
        let verb = exact_or_all(&self.verbs, asked.verb)?;
        if asked.is_path() {
            let urls = &self.rule.non_resource_urls;
            let begins = |url: &&String| url.ends_with('*') && asked.path.starts_with(url.trim_end_matches('*'));
            // the longest pattern says most; the list is one rule's, so it is short
            let pattern = || urls.iter().filter(begins).max_by_key(|url| url.len());
            let place = self.urls.get(asked.path).or_else(|| pattern().and_then(|url| self.urls.get(url.as_str())));
            return Some(Fit { verb, target: self.rule.resources.len() + place?, name: None });
        }
        let exact = self.resources.get(asked.combined().as_str());
        let partial = || self.resources.get(format!("*/{}", asked.subresource).as_str());
        let partial = || if asked.subresource.is_empty() { None } else { partial() };
        let target = exact.or_else(partial).or_else(|| self.resources.get("*")).copied()?;
        Some(Fit { verb, target, name: self.names.get(asked.name_seen()).copied() })
    }

    /// Whether the request is allowed by a pattern of the rule, and so by more than it names.
    pub(super) fn is_by_pattern(&self, asked: &Asked<'_>) -> bool {
        if asked.is_path() {
            return !self.verbs.contains_key(asked.verb) || !self.urls.contains_key(asked.path);
        }
        !self.verbs.contains_key(asked.verb)
            || !self.groups.contains_key(asked.api_group)
            || !self.resources.contains_key(asked.combined().as_str())
    }
}
