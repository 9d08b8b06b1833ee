//! Readiness: which detections could not have seen anything in what was logged, and the lines of an audit policy that
//! would change it. Counts go in, verdicts come out; nothing here reads a log.
//!
//! A request that was never made and one that was never logged look the same. What is called blind rests on counts that
//! a working cluster does not give by chance; anything weaker is called unseen, with the counts.

use std::collections::{BTreeMap, BTreeSet};

use super::needs::{Needs, Use, of_lost};
use super::{Detection, Level, Pack, policy};

/// Resources that every cluster asks for all day, so that their absence is the policy's doing.
const BUSY: [&str; 8] = ["configmaps", "events", "leases", "namespaces", "nodes", "pods", "secrets", "services"];
/// Events from which the absence of a busy resource is no chance.
const EVENTS_FOR_RESOURCE: u64 = 10_000;
/// Events from which the absence of all get and list is no chance.
const EVENTS_FOR_READS: u64 = 1_000;
/// Writes from which a level that none of them reached is the policy's.
const WRITES_FOR_LEVEL: u64 = 10;
/// Rows from which what all of them lack is missing for good.
const ROWS_FOR_ALL: u64 = 10;
/// The share of rows from which what they lack is worth a word.
const SHARE_MIN: f64 = 0.01;

/// Rows of the lake that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The cluster.
    pub cluster: String,
    /// The audit level, where it is one.
    pub level: Option<Level>,
    /// The resource, where it is one that [`resources`] names.
    pub resource: Option<String>,
    /// What was done.
    pub class: Class,
    /// The fields that they lost on their way, separated by commas.
    pub lost: String,
    /// How many rows.
    pub rows: u64,
    /// Of them: without their bodies, which were too large.
    pub truncated: u64,
    /// Of them: logged when they were received only.
    pub received: u64,
    /// Of them: with the client's address.
    pub addresses: u64,
    /// Of them: with the client's agent.
    pub agents: u64,
    /// Of them: with the id of the credential.
    pub credentials: u64,
    /// The earliest, microseconds since 1970.
    pub first_ts: Option<i64>,
    /// The latest, microseconds since 1970.
    pub last_ts: Option<i64>,
}

/// Verbs that an audit policy is wont to treat alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Class {
    /// get and list.
    Read,
    /// create, update and patch: those with a body.
    Write,
    /// Any other.
    #[default]
    Other,
}

/// How well a detection could see. Ordered: the worse, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// It had what it needs.
    Ready,
    /// Nothing of its kind was logged; that proves nothing.
    Unseen,
    /// It could miss some of what it is for.
    Partly,
    /// It could not have found anything.
    Blind,
}

impl Sight {
    /// All, best first.
    pub const ALL: [Self; 4] = [Self::Ready, Self::Unseen, Self::Partly, Self::Blind];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Unseen => "unseen",
            Self::Partly => "partly",
            Self::Blind => "blind",
        }
    }
}

/// How well one detection could see, and why not better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The detection's id.
    pub detection: String,
    /// How well.
    pub sight: Sight,
    /// Why not better, the worst first; empty if it is ready.
    pub reasons: Vec<String>,
}

/// What would change it, for all detections with the same cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What to do, in one line.
    pub what: String,
    /// The ids of the detections that it helps.
    pub detections: Vec<String>,
    /// Rules for an audit policy, where one helps.
    pub policy: Vec<String>,
}

/// How well the detections of a pack could see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readiness {
    /// Events that were looked at.
    pub events: u64,
    /// One verdict for each detection, in the order of the pack.
    pub verdicts: Vec<Verdict>,
    /// What would change what is blind or partly so.
    pub fixes: Vec<Fix>,
}

/// What stands between a detection and the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Empty,
    Level(Level),
    NeverSeen,
    NoReads,
    Truncated,
    NoAddress,
    NoAgent,
    NoCredential,
    NoAnswer,
    Lost(&'static str),
    History,
}

struct Doubt {
    sight: Sight,
    cause: Cause,
    resources: BTreeSet<String>,
    text: String,
}

/// The resources that any detection of `pack` is about: what the counts must tell apart.
#[must_use]
pub fn resources(pack: &Pack) -> BTreeSet<String> {
    pack.detections.iter().flat_map(|one| Needs::of(one, pack, &one.header.params).resources).collect()
}

impl Readiness {
    /// Judges each detection of `pack` by what was seen in a log that goes back so many days. `params` gives those that
    /// a run binds.
    #[must_use]
    pub fn of(pack: &Pack, seen: &[Seen], days: i64, params: impl Fn(&Detection) -> BTreeMap<String, i64>) -> Self {
        let mut clusters: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
        for rows in seen {
            clusters.entry(&rows.cluster).or_default().push(rows);
        }
        let lost: BTreeSet<&str> =
            seen.iter().flat_map(|rows| rows.lost.split(',')).filter(|one| !one.is_empty()).collect();
        let mut verdicts = Vec::new();
        let mut causes: BTreeMap<Cause, (BTreeSet<String>, Vec<String>)> = BTreeMap::new();
        for detection in &pack.detections {
            let needs = Needs::of(detection, pack, &params(detection));
            let fields = of_lost(detection, pack, &lost);
            let judge = |seen| {
                let mut doubts = judge(&needs, &Counts(seen), days);
                doubts.extend(missing(&needs, &fields, &Counts(seen)));
                doubts
            };
            let doubts: Vec<_> = clusters.iter().map(|(name, seen)| (*name, judge(seen))).collect();
            for doubt in doubts.iter().flat_map(|(_, doubts)| doubts).filter(|doubt| doubt.sight >= Sight::Partly) {
                let (resources, detections) = causes.entry(doubt.cause.clone()).or_default();
                resources.extend(doubt.resources.iter().cloned());
                if detections.last() != Some(&detection.id) {
                    detections.push(detection.id.clone());
                }
            }
            verdicts.push(verdict(detection, &doubts));
        }
        let fixes = causes.into_iter().filter_map(|(cause, (about, ids))| fix(&cause, &about, ids)).collect();
        Self { events: seen.iter().map(|rows| rows.rows).sum(), verdicts, fixes }
    }

    /// The verdict on a detection.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| verdict.detection == id)
    }

    /// Takes back that a detection is blind: it found something.
    pub fn found(&mut self, id: &str) {
        if let Some(verdict) = self.verdicts.iter_mut().find(|verdict| verdict.detection == id) {
            verdict.sight = verdict.sight.min(Sight::Partly);
        }
    }

    /// How many detections see so.
    #[must_use]
    pub fn count(&self, sight: Sight) -> u64 {
        self.verdicts.iter().filter(|verdict| verdict.sight == sight).count() as u64
    }

    /// The detections that see so, by their first reason; the reason that most have comes first.
    #[must_use]
    pub fn reasons(&self, sight: Sight) -> Vec<(&str, Vec<&str>)> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for verdict in self.verdicts.iter().filter(|verdict| verdict.sight == sight) {
            let why = verdict.reasons.first().map_or("", String::as_str);
            groups.entry(why).or_default().push(&verdict.detection);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
        groups
    }
}

/// The doubts of all clusters as one verdict: blind only where every cluster is.
fn verdict(detection: &Detection, clusters: &[(&str, Vec<Doubt>)]) -> Verdict {
    let id = detection.id.clone();
    if clusters.is_empty() {
        return Verdict { detection: id, sight: Sight::Blind, reasons: vec!["there are no events".to_owned()] };
    }
    let sights =
        || clusters.iter().map(|(_, doubts)| doubts.iter().map(|doubt| doubt.sight).max().unwrap_or(Sight::Ready));
    let (best, worst) = (sights().min().unwrap_or(Sight::Ready), sights().max().unwrap_or(Sight::Ready));
    let sight = match (best, worst) {
        (Sight::Ready, Sight::Unseen) => Sight::Ready,
        (best, Sight::Blind) if best < Sight::Blind => Sight::Partly,
        (_, worst) => worst,
    };
    let mut reasons: Vec<(Sight, String)> = Vec::new();
    if sight != Sight::Ready {
        for (cluster, doubt) in clusters.iter().flat_map(|(name, doubts)| doubts.iter().map(move |one| (name, one))) {
            let place = if clusters.len() > 1 { format!("in {cluster}: ") } else { String::new() };
            reasons.push((doubt.sight, place + &doubt.text));
        }
    }
    reasons.sort_by_key(|(sight, _)| std::cmp::Reverse(*sight));
    Verdict { detection: id, sight, reasons: reasons.into_iter().map(|(_, text)| text).collect() }
}

/// The rows of one cluster.
struct Counts<'a>(&'a [&'a Seen]);

impl Counts<'_> {
    fn sum(&self, which: impl Fn(&Seen) -> bool, what: impl Fn(&Seen) -> u64) -> u64 {
        self.0.iter().filter(|seen| which(seen)).map(|seen| what(seen)).sum()
    }

    fn all(&self) -> u64 {
        self.sum(|_| true, |seen| seen.rows)
    }
}

/// What stands between a detection and the rows of one cluster.
fn judge(needs: &Needs, counts: &Counts<'_>, days: i64) -> Vec<Doubt> {
    let about = |seen: &Seen| needs.is_about(seen.resource.as_ref());
    let (all, rows) = (counts.all(), counts.sum(about, |seen| seen.rows));
    let doubt = |sight, cause, text| Doubt { sight, cause, resources: needs.resources.clone(), text };
    if all == 0 {
        return vec![doubt(Sight::Blind, Cause::Empty, "there are no events".to_owned())];
    }
    if let Some(wanted) = needs.history_days.filter(|wanted| days < *wanted) {
        let text = format!("learning what is usual: the log goes back {days} days, and {wanted} are needed");
        return vec![doubt(Sight::Blind, Cause::History, text)];
    }
    let names = named(&needs.resources);
    if rows == 0 {
        let is_busy = needs.resources.iter().any(|name| BUSY.contains(&name.as_str()));
        return vec![if is_busy && all >= EVENTS_FOR_RESOURCE {
            let text = format!("{names} never logged among {} events: the policy drops it", thousands(all));
            doubt(Sight::Blind, Cause::NeverSeen, text)
        } else {
            let text = format!("no request for {names} among {} events", thousands(all));
            doubt(Sight::Unseen, Cause::NeverSeen, text)
        }];
    }
    let mut doubts: Vec<Doubt> = Vec::new();
    doubts.extend(level(needs, counts));
    let reads = counts.sum(|seen| seen.class == Class::Read, |seen| seen.rows);
    let own_reads = counts.sum(|seen| seen.class == Class::Read && about(seen), |seen| seen.rows);
    if needs.reads && reads == 0 {
        let sight = if all >= EVENTS_FOR_READS { Sight::Blind } else { Sight::Unseen };
        doubts.push(doubt(sight, Cause::NoReads, format!("no get or list among {} events", thousands(all))));
    } else if needs.reads && own_reads == 0 {
        let text = format!("no get or list of {names}, only {} other requests for it", thousands(rows));
        doubts.push(doubt(Sight::Unseen, Cause::NoReads, text));
    }
    let lacking = [
        (needs.address, Cause::NoAddress, "the client's address", rows - counts.sum(about, |seen| seen.addresses)),
        (needs.agent, Cause::NoAgent, "the client's agent", rows - counts.sum(about, |seen| seen.agents)),
    ];
    for (used, cause, what, missing) in lacking.into_iter().filter(|(used, ..)| *used > Use::Not) {
        if let Some((share, is_all)) = share(missing, rows) {
            let sight = if is_all && used == Use::All { Sight::Blind } else { Sight::Partly };
            doubts.push(doubt(sight, cause, format!("{what} is missing in {share} of its events")));
        }
    }
    if needs.credential > Use::Not && all >= EVENTS_FOR_READS && counts.sum(|_| true, |seen| seen.credentials) == 0 {
        let sight = if needs.credential == Use::All { Sight::Blind } else { Sight::Partly };
        let text = format!("no credential id among {} events: Kubernetes logs it from 1.30 on", thousands(all));
        doubts.push(doubt(sight, Cause::NoCredential, text));
    }
    if needs.outcome > Use::Not && rows >= ROWS_FOR_ALL && counts.sum(about, |seen| seen.received) == rows {
        let text = "logged when received only, so that nobody knows what succeeded".to_owned();
        doubts.push(doubt(Sight::Partly, Cause::NoAnswer, text));
    }
    doubts
}

/// What the events of a detection lost on their way that it asks for.
fn missing(needs: &Needs, fields: &[(&'static str, Use)], counts: &Counts<'_>) -> Vec<Doubt> {
    let about = |seen: &Seen| needs.is_about(seen.resource.as_ref());
    let rows = counts.sum(about, |seen| seen.rows);
    let doubt = |(field, used): &(&'static str, Use)| {
        let lacks = |seen: &Seen| about(seen) && seen.lost.split(',').any(|lost| lost == *field);
        let (share, is_all) = share(counts.sum(lacks, |seen| seen.rows), rows)?;
        let sight = if is_all && *used == Use::All { Sight::Blind } else { Sight::Partly };
        let text = format!("{field} was lost on the way of {share} of its events");
        Some(Doubt { sight, cause: Cause::Lost(field), resources: needs.resources.clone(), text })
    };
    fields.iter().filter_map(doubt).collect()
}

/// Whether what was written was logged with the bodies that a detection reads.
fn level(needs: &Needs, counts: &Counts<'_>) -> Option<Doubt> {
    if needs.level == Level::Metadata {
        return None;
    }
    let is = |seen: &Seen, name: Option<&String>| {
        seen.class == Class::Write && (name.is_none() || seen.resource.as_ref() == name)
    };
    let any = [None];
    let names: Vec<Option<&String>> =
        if needs.resources.is_empty() { any.to_vec() } else { needs.resources.iter().map(Some).collect() };
    let (mut poor, mut rich, mut writes, mut held, mut withheld) = (BTreeSet::new(), 0_u64, 0_u64, 0_u64, 0_u64);
    for name in names {
        let written = counts.sum(|seen| is(seen, name), |seen| seen.rows);
        let with = |seen: &Seen| is(seen, name) && seen.level >= Some(needs.level);
        let bodies = counts.sum(with, |seen| seen.rows);
        if written > 0 && bodies == 0 {
            poor.extend(name.cloned());
            writes += written;
        }
        rich += bodies;
        held += bodies;
        withheld += counts.sum(with, |seen| seen.truncated);
    }
    let wanted = needs.level;
    let doubt = |sight, cause, resources, text| Some(Doubt { sight, cause, resources, text });
    if rich == 0 && writes == 0 {
        let text = format!("no write of {} was logged", named(&needs.resources));
        return doubt(Sight::Unseen, Cause::Level(wanted), needs.resources.clone(), text);
    }
    if writes > 0 {
        let sight = match (rich, writes) {
            (0, WRITES_FOR_LEVEL..) => Sight::Blind,
            (0, _) => Sight::Unseen,
            (_, WRITES_FOR_LEVEL..) => Sight::Partly,
            _ => Sight::Ready,
        };
        if sight > Sight::Ready {
            let what = if writes == 1 { "write" } else { "writes" };
            let of = if poor.is_empty() { String::new() } else { format!(" of {}", named(&poor)) };
            let text = format!("{} {what}{of}, none at level {wanted:?} or richer", thousands(writes));
            // what is merely not written yet needs the same level
            let resources = if rich == 0 { needs.resources.clone() } else { poor };
            return doubt(sight, Cause::Level(wanted), resources, text);
        }
    }
    let (share, is_all) = share(withheld, held)?;
    let sight = if is_all { Sight::Blind } else { Sight::Partly };
    let text = format!("{share} of the bodies were too large and dropped");
    doubt(sight, Cause::Truncated, needs.resources.clone(), text)
}

/// The share of rows that lack something, where it is worth a word, and whether it is all of them.
fn share(missing: u64, rows: u64) -> Option<(String, bool)> {
    let share = missing as f64 / rows.max(1) as f64;
    if missing == rows && rows >= ROWS_FOR_ALL {
        return Some(("all".to_owned(), true));
    }
    let percent = (share * 100.0).round();
    let text = if percent < 100.0 { format!("{percent} %") } else { "nearly all".to_owned() };
    (share >= SHARE_MIN).then_some((text, false))
}

fn named(resources: &BTreeSet<String>) -> String {
    const NAMED_MAX: usize = 3;
    if resources.is_empty() {
        return "any resource".to_owned();
    }
    let first: Vec<&str> = resources.iter().take(NAMED_MAX).map(String::as_str).collect();
    match resources.len().saturating_sub(NAMED_MAX) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// `1 234 567`, readable and exact.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(" ")
}

const WRITES: [&str; 3] = ["create", "update", "patch"];

/// What would change a cause; nothing where there is nothing to change.
fn fix(cause: &Cause, resources: &BTreeSet<String>, detections: Vec<String>) -> Option<Fix> {
    let (what, policy) = match cause {
        Cause::Empty => return None,
        Cause::Level(level) => (
            format!("log the writes of these at level {level:?}; put the rule above others for them"),
            policy::rule(*level, &WRITES, resources),
        ),
        Cause::NeverSeen => (
            "log these; put the rule above the one with level None that drops them (GKE does so by itself)".to_owned(),
            policy::rule(Level::Metadata, &[], resources),
        ),
        Cause::NoReads => (
            "log reads too: on AKS choose the category kube-audit, kube-audit-admin leaves get and list out".to_owned(),
            policy::rule(Level::Metadata, &["get", "list", "watch"], resources),
        ),
        Cause::Truncated => (
            "keep larger bodies: raise --audit-log-truncate-max-event-size and --audit-webhook-truncate-max-event-size \
             of kube-apiserver"
                .to_owned(),
            Vec::new(),
        ),
        Cause::NoAddress => ("let the shipper of the logs keep sourceIPs".to_owned(), Vec::new()),
        Cause::NoAgent => ("let the shipper of the logs keep userAgent".to_owned(), Vec::new()),
        Cause::NoCredential => (
            "let the shipper keep user.extra; before Kubernetes 1.30 turn on the feature gate \
             ServiceAccountTokenJTI"
                .to_owned(),
            Vec::new(),
        ),
        Cause::NoAnswer => (
            "log requests when they are answered".to_owned(),
            vec!["omitStages: [\"RequestReceived\"]  # and no other".to_owned()],
        ),
        Cause::Lost(field) => {
            (format!("read the log from where {field} is kept; what the events were wrapped in drops it"), Vec::new())
        }
        Cause::History => ("ingest older logs, or wait: these compare with the days before".to_owned(), Vec::new()),
    };
    Some(Fix { what, detections, policy })
}

#[cfg(test)]
mod tests;
