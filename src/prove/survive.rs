//! Whether a detection still finds the attacks of its cases once they are told otherwise (see [`super::mutate`]).
//!
//! Each case and each variant is a cluster of its own, and those with the same lists and params are one run: planning
//! takes far longer than running over so few rows. That no cluster tells another what to find is tried along the way.

use std::collections::{BTreeMap, BTreeSet};

use arrow::compute::concat_batches;
use serde_json::Value;

use super::mutate::{TRICKS, Trick, Variant};
use super::{Verdict, check};
use crate::config::Config;
use crate::detection::cases::Case;
use crate::detection::{Detection, Pack};
use crate::engine::{self, View};
use crate::event;
use crate::finding::Finding;
use crate::schema;

/// Changed lines that are shown of the first case that a trick hides.
const LINES_SHOWN: usize = 2;

/// The verdicts of each family of tricks that concerns a detection, `survives spoofed_address`, and of `keeps clusters
/// apart`.
#[must_use]
pub fn survive(pack: &Pack, detection: &Detection, cases: &[Case]) -> Vec<Verdict> {
    let mut tried = Tried::default();
    let mut groups: BTreeMap<_, Vec<&Case>> = BTreeMap::new();
    for case in cases.iter().filter(|case| !case.skip_mutation) {
        groups.entry((&case.lists, &case.params)).or_default().push(case);
    }
    let faults: Vec<String> =
        groups.values().filter_map(|cases| Runner { pack, detection, cases }.run(&mut tried).err()).collect();
    let verdict = |case: String, faults: Vec<String>| {
        let fault = (!faults.is_empty()).then(|| faults.join("\n"));
        Verdict { detection: detection.id.clone(), case, fault }
    };
    let mut verdicts = vec![verdict("keeps clusters apart".to_owned(), faults)];
    for family in families() {
        if let Some(faults) = tried.judge(family, &detection.header.blind) {
            verdicts.push(verdict(trial(family), faults));
        }
    }
    verdicts
}

/// The name of each trial of [`survive`], whether it concerns the detection or not.
pub fn trials() -> impl Iterator<Item = String> {
    std::iter::once("keeps clusters apart".to_owned()).chain(families().into_iter().map(trial))
}

fn trial(family: &str) -> String {
    format!("survives {family}")
}

fn families() -> BTreeSet<&'static str> {
    TRICKS.iter().map(Trick::family).collect()
}

/// A case that a trick hides.
struct Fault {
    what: String,
    /// Events that the trick changed, as they are then.
    changed: Vec<String>,
}

/// By the name of each trick that applied to any case, the cases that it hid.
#[derive(Default)]
struct Tried(BTreeMap<&'static str, Vec<Fault>>);

impl Tried {
    /// The faults of the family, less those declared; `None` if there was nothing to try or to declare.
    fn judge(&self, family: &str, blind: &[String]) -> Option<Vec<String>> {
        let tricks: Vec<_> = TRICKS.iter().filter(|trick| trick.family() == family).map(|trick| trick.name).collect();
        let declared: Vec<&str> = blind
            .iter()
            .filter_map(|entry| entry.split_once(':').map(|(name, _)| name))
            .filter(|name| *name == family || tricks.contains(name))
            .collect();
        let covers = |name: &str, trick: &str| name == family || name == trick;
        let mut faults = Vec::new();
        for trick in tricks.iter().filter(|trick| !declared.iter().any(|name| covers(name, trick))) {
            faults.extend(self.told(trick));
        }
        for name in &declared {
            if !tricks.iter().any(|trick| covers(name, trick) && self.told(trick).is_some()) {
                faults.push(format!("blind declares {name}, but no case is lost to it; leave the entry out"));
            }
        }
        let concerns = !declared.is_empty() || tricks.iter().any(|trick| self.0.contains_key(trick));
        concerns.then_some(faults)
    }

    /// The cases that the trick hid, and what it made of the first.
    fn told(&self, trick: &str) -> Option<String> {
        let faults = self.0.get(trick)?;
        let changed = faults.first()?.changed.iter().map(|line| format!("\n      {line}")).collect::<String>();
        let whats: Vec<String> = faults.iter().map(|fault| format!("\n    {}", fault.what)).collect();
        Some(format!("{trick} hides{}\n    as it left the first:{changed}", whats.concat()))
    }
}

/// The cases of a detection that have their lists and params in common.
struct Runner<'a> {
    pack: &'a Pack,
    detection: &'a Detection,
    cases: &'a [&'a Case],
}

/// A trick on a case. Who reads the log before the theft did not choose its agents, so the trick is on what the plain
/// findings have as evidence, and failing that on all that the same users did.
struct Attempt<'a> {
    case: &'a Case,
    trick: &'static Trick,
    plain: &'a [Finding],
    ways: Vec<Variant>,
}

impl Runner<'_> {
    fn run(&self, tried: &mut Tried) -> Result<(), String> {
        let texts: Vec<String> = self.cases.iter().map(|case| case.events.clone()).collect();
        let plain = self.find(&texts)?;
        let mut faults = Vec::new();
        let mut attempts = Vec::new();
        for (case, findings) in self.cases.iter().zip(&plain) {
            let expected: BTreeSet<&str> = case.hit.iter().map(String::as_str).collect();
            let found: BTreeSet<&str> = findings.iter().map(|finding| finding.audit_id.as_str()).collect();
            if found == expected {
                attempts.extend(attempts_on(case, findings)?);
            } else if check(self.pack, self.detection, case).is_ok() {
                // else the case's own trial tells
                let name = &case.name;
                faults.push(format!("case {name:?} beside other clusters: expected {expected:?}, found {found:?}"));
            }
        }
        let ways = attempts.iter().flat_map(|attempt| &attempt.ways);
        let texts: Vec<String> = ways.map(|variant| lines(&variant.events)).collect();
        let mut found = self.find(&texts)?.into_iter();
        for attempt in attempts {
            let found: Vec<Vec<Finding>> = found.by_ref().take(attempt.ways.len()).collect();
            let fault = attempt.judge(&found);
            tried.0.entry(attempt.trick.name).or_default().extend(fault);
        }
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    /// The findings of each text of events.
    fn find(&self, texts: &[String]) -> Result<Vec<Vec<Finding>>, String> {
        let Some(first) = self.cases.first().filter(|_| !texts.is_empty()) else { return Ok(Vec::new()) };
        let clusters: Vec<String> = (0..texts.len()).map(|index| format!("cluster-{index}")).collect();
        let mut batches = Vec::new();
        for (cluster, text) in clusters.iter().zip(texts) {
            batches.extend(event::parse_text(text, cluster)?);
        }
        let all = concat_batches(&schema::events(), &batches).map_err(|error| error.to_string())?;
        let views: Vec<View> = self.pack.views.iter().map(View::from).collect();
        let lists = Config { lists: first.lists.clone(), ..Config::default() }.lists_with(&self.pack.lists);
        let findings = engine::run_detection(&views, self.detection, vec![all], &lists, &first.params)
            .map_err(|error| error.to_string())?;
        let mut found = vec![Vec::new(); texts.len()];
        for finding in findings {
            match clusters.iter().position(|cluster| *cluster == finding.cluster) {
                Some(index) => found[index].push(finding),
                None => return Err("the query returns no column cluster, or mixes clusters".to_owned()),
            }
        }
        Ok(found)
    }
}

fn attempts_on<'a>(case: &'a Case, plain: &'a [Finding]) -> Result<Vec<Attempt<'a>>, String> {
    let events: Vec<Value> = case
        .events
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .map_err(|error: serde_json::Error| error.to_string())?;
    let evidence: BTreeSet<&str> = plain
        .iter()
        .flat_map(|finding| finding.audit_ids.iter().chain([&finding.audit_id]))
        .map(String::as_str)
        .collect();
    let is_evidence = |event: &Value| event["auditID"].as_str().is_some_and(|id| evidence.contains(id));
    let users: Vec<&Value> =
        events.iter().filter(|event| is_evidence(event)).map(|event| &event["user"]["username"]).collect();
    let of = |chosen: &dyn Fn(&Value) -> bool| -> Vec<usize> {
        events.iter().enumerate().filter(|(_, event)| chosen(event)).map(|(index, _)| index).collect()
    };
    let attacks = [of(&is_evidence), of(&|event| users.contains(&&event["user"]["username"]))];
    let attempt = |trick: &'static Trick| {
        let mut ways: Vec<Variant> =
            attacks.iter().filter_map(|attack| trick.apply(&events, attack, &case.hit)).collect();
        ways.dedup();
        Attempt { case, trick, plain, ways }
    };
    Ok(TRICKS.iter().map(attempt).filter(|attempt| !attempt.ways.is_empty()).collect())
}

impl Attempt<'_> {
    /// What is wrong, unless the attack is found in one of the ways.
    fn judge(&self, found: &[Vec<Finding>]) -> Option<Fault> {
        let mut faults = Vec::new();
        for (variant, findings) in self.ways.iter().zip(found) {
            faults.push(self.fault(variant, findings)?);
        }
        faults.dedup();
        let changed = self.ways.first()?.changed.iter().take(LINES_SHOWN).map(Value::to_string).collect();
        Some(Fault { what: format!("case {:?}: {}", self.case.name, faults.join("; or ")), changed })
    }

    fn fault(&self, variant: &Variant, findings: &[Finding]) -> Option<String> {
        let evidence: BTreeSet<&String> =
            findings.iter().flat_map(|finding| finding.audit_ids.iter().chain([&finding.audit_id])).collect();
        let lost: Vec<&String> = variant.hits.iter().filter(|hit| !evidence.contains(hit)).collect();
        if !lost.is_empty() {
            return Some(format!("{lost:?} is in the evidence of no finding"));
        }
        let told = |findings: &[Finding]| -> Vec<(String, String, i64)> {
            let mut told: Vec<_> =
                findings.iter().map(|one| (one.actor.clone(), one.object.clone(), one.events)).collect();
            told.sort();
            told
        };
        let (before, now) = (told(self.plain), told(findings));
        (self.trick.adds_only && before != now).then(|| format!("{before:?} became {now:?}"))
    }
}

fn lines(events: &[Value]) -> String {
    events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}
