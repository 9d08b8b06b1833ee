//! The least that would have been enough: roles and bindings worked out from what was successfully used.
//!
//! Nothing is granted beyond the requests that were seen, except where a name cannot be held to: where RBAC has no name
//! to look at, where names change with every rollout, or where there are too many. And where the API server itself asks
//! for a second verb that no event of its own shows. What the identity was granted before is never exceeded, if it is
//! given.

use std::collections::{BTreeMap, BTreeSet};

use super::allow::{Asked, combined};
use super::compare::Used;
use super::matcher::Matcher;
use super::model::Rule;
use super::proposal::{self, Breadth, LeftOut, Made, Proposal, StillAllowed, Unnamed};
use super::state::{Grant, Who};
use super::validate::is_dns_label;
use crate::limits::RBAC_NAMES_PER_RULE_MAX;

/// What [`tighten`] goes by.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Names of one resource beyond which a rule names none.
    pub names_max: usize,
    /// Resources whose objects get new names all the time, so that naming them would hold for a day.
    pub passing: &'a [&'a str],
    /// What the identity has now, which the proposal stays within, except for requests that none of it explains; None
    /// where nothing of it is known.
    pub within: Option<&'a [Grant]>,
    /// Grants that stay whatever is proposed ([`Grant::is_shared`]); what they allow is not granted again.
    pub kept: &'a [Grant],
    /// How many days of log the requests come from; None where that is not known.
    pub days: Option<f64>,
}

/// Resources whose objects are made and named by controllers.
const PASSING: &[&str] = &[
    "pods",
    "replicasets",
    "controllerrevisions",
    "jobs",
    "events",
    "endpointslices",
    "certificatesigningrequests",
    "tokenreviews",
    "volumeattachments",
];

impl Default for Options<'_> {
    fn default() -> Self {
        Self { names_max: RBAC_NAMES_PER_RULE_MAX, passing: PASSING, within: None, kept: &[], days: None }
    }
}

/// Group, and resource with subresource.
type Target<'a> = (&'a str, String);

/// What is wanted of one verb on one resource in one namespace.
#[derive(Default)]
struct Want<'a> {
    /// Set where objects cannot or need not be named.
    any: Option<Breadth>,
    names: BTreeSet<&'a str>,
    /// Whether no known grant allows some of it, so that what is known bounds nothing.
    is_unexplained: bool,
}

/// By namespace (empty for the whole cluster), resource and verb.
#[derive(Default)]
struct Wants<'a> {
    resources: BTreeMap<(&'a str, Target<'a>, &'a str), Want<'a>>,
    /// Verbs by URL.
    urls: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

/// The least roles and bindings with which all of `used` that succeeded would have succeeded, without `excluded`: the
/// requests of the theft. A request that is in both is allowed, and said to be so.
#[must_use]
pub fn tighten(who: &Who<'_>, used: &[Used<'_>], excluded: &[Used<'_>], options: &Options<'_>) -> Proposal {
    let kept = Matcher::new(options.kept);
    let within = options.within.map(Matcher::new);
    let mut wants = Wants::default();
    let mut proposal = Proposal::new(who, options);
    for used in used.iter().filter(|used| used.count > used.denied) {
        if used.succeeded == 0 {
            proposal.never_succeeded += 1;
        } else if let Some(why) = unfit(&used.asked) {
            proposal.left_out.push(LeftOut::of(used, why));
        } else if kept.allows(&used.asked) {
            proposal.kept_uses += 1;
        } else {
            proposal.uses += 1;
            let is_unexplained = within.as_ref().is_some_and(|within| !within.allows(&used.asked));
            proposal.unexplained += usize::from(is_unexplained);
            wants.add(used, within.as_ref().filter(|_| !is_unexplained), is_unexplained, &mut proposal);
        }
    }
    wants.widen(options, within.as_ref(), &mut proposal);
    if who.name.is_empty() && !who.is_group() {
        return proposal;
    }
    let made = wants.rules().into_iter().map(|(namespace, rules)| Made { namespace, rules });
    proposal.objects = proposal::objects(who, made);
    let grants = proposal.state().grants(&who.alone());
    let allowed = Matcher::new(&grants);
    for (index, excluded) in excluded.iter().enumerate().filter(|(_, excluded)| excluded.succeeded > 0) {
        let by_kept = kept.matching(&excluded.asked);
        if !by_kept.is_empty() || allowed.allows(&excluded.asked) {
            let why = if by_kept.is_empty() { wants.why(&excluded.asked) } else { Breadth::Kept };
            proposal.still_allowed.push(StillAllowed { excluded: index, why });
        }
        let grants = by_kept.iter().flat_map(|class| &kept.classes()[*class].grants).map(|grant| &options.kept[*grant]);
        proposal.note_open(grants);
    }
    proposal
}

/// Why a request cannot be put into a rule; what the log says is not trusted to be no pattern.
fn unfit(asked: &Asked<'_>) -> Option<&'static str> {
    let is_pattern = |text: &str| text.contains('*');
    if asked.verb.is_empty() || is_pattern(asked.verb) {
        return Some("its verb cannot be granted by name");
    }
    if asked.is_path() {
        let is_fit = asked.path.starts_with('/') && !asked.path.ends_with('*');
        return (!is_fit).then_some("its path cannot be granted by name");
    }
    if [asked.api_group, asked.resource, asked.subresource].into_iter().any(is_pattern) {
        return Some("its resource cannot be granted by name");
    }
    (!asked.namespace.is_empty() && !is_dns_label(asked.namespace)).then_some("its namespace cannot exist")
}

impl<'a> Wants<'a> {
    fn add(&mut self, used: &Used<'a>, within: Option<&Matcher<'_>>, is_unexplained: bool, proposal: &mut Proposal) {
        let asked = used.asked;
        if asked.is_path() {
            self.urls.entry(asked.path).or_default().insert(asked.verb);
            return;
        }
        self.want(&asked, is_unexplained);
        // an update that makes the object, and an upgrade to a stream over GET, are asked for `create` as well
        let makes = used.created > 0 && matches!(asked.verb, "update" | "patch");
        let streams = asked.resource == "pods"
            && asked.verb == "get"
            && matches!(asked.subresource, "exec" | "attach" | "portforward");
        let also = Asked { verb: "create", ..asked };
        if (makes || streams) && within.is_none_or(|within| within.allows(&also)) {
            proposal.implied += 1;
            self.want(&also, is_unexplained);
        }
    }

    fn want(&mut self, asked: &Asked<'a>, is_unexplained: bool) {
        let target = (asked.api_group, asked.combined());
        let want = self.resources.entry((asked.namespace, target, asked.verb)).or_default();
        want.is_unexplained |= is_unexplained;
        if asked.name_seen().is_empty() {
            want.any = Some(Breadth::NoName);
        } else {
            want.names.insert(asked.name_seen());
        }
    }

    /// Leaves out names that would not last, and too many of them, unless the identity only ever had names.
    fn widen(&mut self, options: &Options<'_>, within: Option<&Matcher<'_>>, proposal: &mut Proposal) {
        for ((namespace, (api_group, resource), verb), want) in &mut self.resources {
            if want.any.is_some() || want.names.is_empty() {
                continue;
            }
            let plain = resource.split('/').next().unwrap_or_default();
            let why = if options.passing.contains(&plain) {
                Breadth::Passing
            } else if want.names.len() > options.names_max {
                Breadth::TooMany
            } else {
                continue;
            };
            let (resource_name, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let unnamed =
                Asked { verb, api_group, resource: resource_name, subresource, namespace, name: "", path: "" };
            if want.is_unexplained || within.is_none_or(|within| within.allows(&unnamed)) {
                want.any = Some(why);
                proposal.unnamed.push(Unnamed {
                    namespace: (*namespace).to_owned(),
                    api_group: (*api_group).to_owned(),
                    resource: resource.clone(),
                    verb: (*verb).to_owned(),
                    names: want.names.len(),
                    why,
                });
            }
        }
    }

    /// The rules by namespace, each as short as it can be without granting more.
    fn rules(&self) -> BTreeMap<String, Vec<Rule>> {
        let mut unnamed: BTreeMap<(&str, &Target<'_>), BTreeSet<&str>> = BTreeMap::new();
        let mut named: BTreeMap<(&str, &Target<'_>, &str), BTreeSet<&str>> = BTreeMap::new();
        for ((namespace, target, verb), want) in &self.resources {
            if want.any.is_some() {
                unnamed.entry((namespace, target)).or_default().insert(verb);
            } else {
                for name in &want.names {
                    named.entry((namespace, target, name)).or_default().insert(verb);
                }
            }
        }
        let mut rules: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
        // resources of one group with the same verbs share a rule
        let mut shared: BTreeMap<(&str, &str, &BTreeSet<&str>), Vec<String>> = BTreeMap::new();
        for ((namespace, (group, resource)), verbs) in &unnamed {
            shared.entry((namespace, group, verbs)).or_default().push(resource.clone());
        }
        for ((namespace, group, verbs), resources) in shared {
            let rule = Rule { resources, ..rule_of(group, verbs) };
            rules.entry(namespace.to_owned()).or_default().push(rule);
        }
        // names of one resource with the same verbs share a rule
        let mut shared: BTreeMap<(&str, &Target<'_>, &BTreeSet<&str>), Vec<String>> = BTreeMap::new();
        for ((namespace, target, name), verbs) in &named {
            shared.entry((namespace, target, verbs)).or_default().push((*name).to_owned());
        }
        for ((namespace, (group, resource), verbs), resource_names) in shared {
            let rule = Rule { resources: vec![resource.clone()], resource_names, ..rule_of(group, verbs) };
            rules.entry(namespace.to_owned()).or_default().push(rule);
        }
        let mut shared: BTreeMap<&BTreeSet<&str>, Vec<String>> = BTreeMap::new();
        self.urls.iter().for_each(|(url, verbs)| shared.entry(verbs).or_default().push((*url).to_owned()));
        for (verbs, non_resource_urls) in shared {
            let rule = Rule { api_groups: Vec::new(), non_resource_urls, ..rule_of("", verbs) };
            rules.entry(String::new()).or_default().push(rule);
        }
        rules
    }

    /// Why a request that should be refused is allowed.
    fn why(&self, asked: &Asked<'_>) -> Breadth {
        if asked.is_path() {
            return Breadth::Needed;
        }
        let target = (asked.api_group, combined(asked.resource, asked.subresource));
        let scopes = [asked.namespace, ""];
        let breadths = scopes.into_iter().filter_map(|namespace| {
            let want = self.resources.get(&(namespace, target.clone(), asked.verb))?;
            match want.any {
                Some(_) if want.names.contains(asked.name_seen()) => Some(Breadth::Needed),
                Some(Breadth::NoName) if asked.name_seen().is_empty() => Some(Breadth::Needed),
                Some(why) => Some(why),
                None => want.names.contains(asked.name_seen()).then_some(Breadth::Needed),
            }
        });
        // that the same was needed says more than how names were dealt with
        breadths.max_by_key(|why| *why == Breadth::Needed).unwrap_or(Breadth::Needed)
    }
}

fn rule_of(group: &str, verbs: &BTreeSet<&str>) -> Rule {
    let verbs = verbs.iter().map(|verb| (*verb).to_owned()).collect();
    Rule { verbs, api_groups: vec![group.to_owned()], ..Rule::default() }
}
