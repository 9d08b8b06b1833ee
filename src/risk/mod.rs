//! Risk: how much speaks against an identity, or for the loss of a secret, from its findings and nothing else.
//!
//! # The score
//!
//! Every finding adds weight, and `score = 100 * (1 - e^-weight)`. This is the complement of a product, one factor a
//! finding: the chance that at least one of several independent hints is true. It never passes 100, no finding ever
//! lowers it, and because the weights add up below the exponent, each term has a share of the score that is its own.
//!
//! What a finding weighs is counted in tenths of what its severity stands for:
//!
//! | term | tenths | |
//! |---|---|---|
//! | severity | 5 | that it was found at all |
//! | success | 5 | unless all of it was refused, which also halves the terms below |
//! | rarity | 0 to 5 | one for each halving of the identities that have such a finding, or two bits of surprise |
//! | scope | 0 to 5 | two for a namespace, four for the cluster, one for each doubling of the objects |
//!
//! Of the findings of one detection the loudest counts in full and each further one half of the one before, so that
//! a thousand facts do not make a threat. Last, three tenths of what each further ATT&CK tactic of an identity weighs
//! are added ([`Kind::Chain`]), and likewise for each further identity that a secret was in the hands of
//! ([`Kind::Spread`]).
//!
//! Weights are integers and their order is settled before they are added, so that the same findings give the same
//! scores in any order, on any machine. What a client may choose can raise its score and never lower it.

mod weigh;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use self::weigh::{Weight, weigh};
use crate::finding::{Finding, Severity};
use crate::limits::RISK_FINDINGS_MAX;

/// The scores of a run, highest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Risk {
    /// Of each identity that has a finding.
    pub identities: Vec<Score>,
    /// Of each secret that findings name, as `namespace/name`, with `*` for all.
    pub secrets: Vec<Score>,
}

/// How much speaks against an identity or for the loss of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The cluster.
    pub cluster: String,
    /// The identity; empty where nobody is named. Or the secret.
    pub name: String,
    /// 0 to 100.
    pub score: u32,
    /// The loudest of its findings.
    pub loudest: Severity,
    /// How many findings it has.
    pub findings: usize,
    /// What the score is made of; the points add up to it.
    pub terms: Vec<Term>,
    /// What it weighs before the score bounds it: the order of those with the same score.
    pub weight: u64,
}

/// A part of a score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Which part.
    pub kind: Kind,
    /// Its points.
    pub points: u32,
    /// What it comes from, in a few words. A chain names ATT&CK tactics by their ids.
    pub why: String,
    /// The ids of the findings behind it, the weightiest first, at most [`RISK_FINDINGS_MAX`].
    pub findings: Vec<String>,
}

/// The parts of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// How loud the findings are.
    Severity,
    /// That it was not refused.
    Success,
    /// How few identities have such findings.
    Rarity,
    /// How much was reached.
    Scope,
    /// How many tactics one identity followed.
    Chain,
    /// How many identities one secret was in the hands of.
    Spread,
}

impl Kind {
    /// All of them, in the order of a score.
    pub const ALL: [Self; 6] = [Self::Severity, Self::Success, Self::Rarity, Self::Scope, Self::Chain, Self::Spread];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::Success => "success",
            Self::Rarity => "rarity",
            Self::Scope => "scope",
            Self::Chain => "chain",
            Self::Spread => "spread",
        }
    }
}

impl Score {
    /// The points of one part.
    #[must_use]
    pub fn points(&self, kind: Kind) -> u32 {
        self.terms.iter().filter(|term| term.kind == kind).map(|term| term.points).sum()
    }
}

impl Risk {
    /// Those that something medium or louder speaks against, highest first, at most `most`.
    pub fn loud(scores: &[Score], most: usize) -> impl Iterator<Item = &Score> {
        scores.iter().filter(|score| score.loudest >= Severity::Medium).take(most)
    }
}

/// The scores of all identities and secrets that `findings` name. `is_about_secrets` says of a detection's id whether
/// the object of its findings is a secret.
#[must_use]
pub fn assess(findings: &[Finding], is_about_secrets: impl Fn(&str) -> bool) -> Risk {
    let mut holders: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for finding in findings {
        holders.entry(&finding.detection).or_default().insert((&finding.cluster, &finding.actor));
    }
    let identities = holders.values().flatten().collect::<BTreeSet<_>>().len();
    let mut by_identity: BTreeMap<(&str, &str), Vec<Weight<'_>>> = BTreeMap::new();
    let mut by_secret: BTreeMap<(&str, String), Vec<Weight<'_>>> = BTreeMap::new();
    for finding in findings {
        let having = holders.get(finding.detection.as_str()).map_or(1, BTreeSet::len);
        let weight = weigh(finding, having, identities);
        for secret in weigh::secrets(finding, is_about_secrets(&finding.detection)) {
            by_secret.entry((&finding.cluster, secret)).or_default().push(weight.clone());
        }
        by_identity.entry((&finding.cluster, &finding.actor)).or_default().push(weight);
    }
    let identities =
        by_identity.into_iter().map(|((cluster, name), weights)| score(cluster, name, weights, Kind::Chain));
    let secrets = by_secret.into_iter().map(|((cluster, name), weights)| score(cluster, &name, weights, Kind::Spread));
    Risk { identities: in_order(identities), secrets: in_order(secrets) }
}

fn in_order(scores: impl Iterator<Item = Score>) -> Vec<Score> {
    let mut scores: Vec<Score> = scores.collect();
    // the map that they come from has settled the order of equals
    scores.sort_by_key(|score| Reverse((score.score, score.weight)));
    scores
}

/// A term before it has points.
struct Share<'a> {
    kind: Kind,
    weight: u64,
    why: String,
    /// What each finding adds to it.
    from: Vec<(u64, &'a str)>,
}

fn score(cluster: &str, name: &str, mut weights: Vec<Weight<'_>>, last: Kind) -> Score {
    halve(&mut weights);
    let mut shares: Vec<Share<'_>> = [Kind::Severity, Kind::Success, Kind::Rarity, Kind::Scope]
        .into_iter()
        .map(|kind| {
            let part = |weight: &Weight<'_>| weight.part(kind);
            let from: Vec<_> =
                weights.iter().map(|weight| (part(weight), weight.finding.finding_id.as_str())).collect();
            Share { kind, weight: from.iter().map(|(part, _)| part).sum(), why: why(kind, &weights), from }
        })
        .collect();
    shares.push(steps(last, &weights));
    let weight = shares.iter().map(|share| share.weight).sum();
    let score = saturated(weight);
    Score {
        cluster: cluster.to_owned(),
        name: name.to_owned(),
        score,
        loudest: weights.iter().map(|weight| weight.finding.severity).max().unwrap_or(Severity::Info),
        findings: weights.len(),
        terms: terms(shares, score, weight),
        weight,
    }
}

/// Sorts the weights, heaviest first, and halves each as often as its detection came before.
fn halve(weights: &mut [Weight<'_>]) {
    let same = |a: &Finding, b: &Finding| a.order(b).then_with(|| a.evidence.cmp(&b.evidence));
    weights.sort_by(|a, b| b.total().cmp(&a.total()).then_with(|| same(a.finding, b.finding)));
    let mut before: BTreeMap<&str, u32> = BTreeMap::new();
    for weight in weights {
        let times = before.entry(&weight.finding.detection).or_default();
        weight.halve(*times);
        *times += 1;
    }
}

/// Three tenths of what each group beyond the heaviest weighs: tactics of an identity, identities of a secret. A group
/// weighs as much as its heaviest finding, so that a finding more never makes it lighter.
fn steps<'a>(kind: Kind, weights: &[Weight<'a>]) -> Share<'a> {
    let mut groups: BTreeMap<&str, (u64, &'a str, i64)> = BTreeMap::new();
    for weight in weights {
        let Some(group) = group(kind, weight.finding) else { continue };
        let finding = weight.finding;
        let known = groups.entry(group).or_insert((0, "", finding.first_seen));
        if weight.counted > known.0 {
            (known.0, known.1) = (weight.counted, &finding.finding_id);
        }
        known.2 = known.2.min(finding.first_seen);
    }
    let all: u64 = groups.values().map(|(weight, ..)| weight).sum();
    let most = groups.values().map(|(weight, ..)| *weight).max().unwrap_or(0);
    let mut in_time: Vec<_> = groups.iter().map(|(name, (.., first))| (*first, *name)).collect();
    in_time.sort_unstable();
    let why = match kind {
        Kind::Chain => in_time.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(", "),
        _ => format!("{} identities", groups.len()),
    };
    let from = groups.values().map(|(weight, id, _)| (*weight, *id)).collect();
    Share { kind, weight: (all - most) / 10 * 3, why, from }
}

fn group(kind: Kind, finding: &Finding) -> Option<&str> {
    match kind {
        // the first of a detection's tactics: one finding alone is no chain
        Kind::Chain => finding.attack.first()?.split('/').next(),
        _ => Some(&finding.actor),
    }
}

/// The words of a term.
fn why(kind: Kind, weights: &[Weight<'_>]) -> String {
    match kind {
        Kind::Severity => {
            let count = |severity| weights.iter().filter(|weight| weight.finding.severity == severity).count();
            let counts = Severity::ALL.into_iter().rev().map(|severity| (severity, count(severity)));
            let counts = counts.filter(|(_, count)| *count > 0).map(|(severity, count)| format!("{count} {severity}"));
            counts.collect::<Vec<_>>().join(", ")
        }
        Kind::Success => match weights.iter().filter(|weight| !weight.refused).count() {
            all if all == weights.len() => "nothing was refused".to_owned(),
            some => format!("{some} of {} not refused", weights.len()),
        },
        Kind::Rarity => weights
            .iter()
            .max_by_key(|weight| weight.part(Kind::Rarity))
            .map_or_else(String::new, |weight| format!("{} {}", weight.finding.detection, weight.rare)),
        _ => weights
            .iter()
            .max_by_key(|weight| weight.part(Kind::Scope))
            .map_or_else(String::new, |weight| weight.reach.to_string()),
    }
}

/// Shares of the score in whole points, by the largest remainder, so that they add up to it.
fn terms(shares: Vec<Share<'_>>, score: u32, weight: u64) -> Vec<Term> {
    let whole = u128::from(weight.max(1));
    let exact = |share: &Share<'_>| u128::from(share.weight) * u128::from(score);
    let mut points: Vec<u32> =
        shares.iter().map(|share| u32::try_from(exact(share) / whole).unwrap_or(score)).collect();
    let mut left = score.saturating_sub(points.iter().sum());
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|index| Reverse(exact(&shares[*index]) % whole));
    for index in order {
        let more = left.min(1);
        points[index] += more;
        left -= more;
    }
    let terms = shares.into_iter().zip(points).filter(|(_, points)| *points > 0);
    terms
        .map(|(share, points)| {
            let mut from = share.from;
            from.retain(|(part, _)| *part > 0);
            from.sort_by_key(|(part, id)| (Reverse(*part), *id));
            let mut known = BTreeSet::new();
            from.retain(|(_, id)| known.insert(*id));
            let findings = from.into_iter().take(RISK_FINDINGS_MAX).map(|(_, id)| id.to_owned()).collect();
            Term { kind: share.kind, points, why: share.why, findings }
        })
        .collect()
}

/// `100 * (1 - e^-weight)` in whole points. Only by multiplying, whose result is the same everywhere, which that of a
/// library's `exp` is not: `e^-x` is the limit of `(1 - x/n)^n`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 100")]
fn saturated(weight: u64) -> u32 {
    const DOUBLINGS: u32 = 10;
    let mut left = (1.0 - weight as f64 / weigh::ONE as f64 / f64::from(1 << DOUBLINGS)).max(0.0);
    for _ in 0..DOUBLINGS {
        left *= left;
    }
    (100.0 * (1.0 - left)).round() as u32
}
