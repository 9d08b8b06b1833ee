//! What one finding weighs, read from its columns and its evidence.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::Kind;
use crate::finding::{Finding, Severity};

/// How often a weight can be halved without a remainder; after that it is nothing.
pub(super) const HALVINGS_MAX: u32 = 20;
/// The unit of weights: whole millionths that can be halved.
pub(super) const ONE: u64 = 1_000_000 << HALVINGS_MAX;

/// Tenths for rarity and for scope, at most.
const TENTHS_MAX: u64 = 5;

/// What a severity stands for; a tenth of a tenth of it is still whole millionths. Alone, nothing refused and nothing rare: info 0, low 2, medium 22, high 50, critical 80
/// points.
fn worth(severity: Severity) -> u64 {
    match severity {
        Severity::Info => ONE / 200,
        Severity::Low => ONE / 50,
        Severity::Medium => ONE / 4,
        Severity::High => ONE / 10 * 7,
        Severity::Critical => ONE / 10 * 16,
    }
}

/// Words of a detection's id that say that it finds what was refused.
const REFUSED: [&str; 9] =
    ["denied", "refused", "rejected", "forbidden", "probe", "probed", "attempt", "attempted", "failed"];
/// Words that take that back: `denied_then_allowed`.
const LATER: [&str; 3] = ["allowed", "after", "then"];
/// Columns of the evidence that say what came of it.
const OUTCOMES: [&str; 2] = ["outcome", "outcomes"];
/// Columns of the evidence that hold bits of surprise.
const SURPRISES: [&str; 3] = ["surprise", "surprise_bits", "bits"];
/// Columns of the evidence that name secrets.
const SECRETS: [&str; 4] = ["secret", "secrets", "secret_name", "secret_names"];
/// Columns of the evidence that count or list objects.
const OBJECTS: [&str; 8] =
    ["secrets", "secrets_read", "objects", "places", "namespaces", "names", "pods", "distinct_secrets"];

/// A finding and what it adds to each term.
#[derive(Debug, Clone)]
pub(super) struct Weight<'a> {
    pub(super) finding: &'a Finding,
    /// Whether all of it was refused.
    pub(super) refused: bool,
    /// What its severity stands for, of which a refused attempt keeps half. Never halved.
    pub(super) counted: u64,
    pub(super) rare: Rare,
    pub(super) reach: Reach,
    parts: [u64; 4],
}

impl Weight<'_> {
    pub(super) fn part(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Severity => self.parts[0],
            Kind::Success => self.parts[1],
            Kind::Rarity => self.parts[2],
            Kind::Scope => self.parts[3],
            Kind::Chain | Kind::Spread => 0,
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.parts.iter().sum()
    }

    pub(super) fn halve(&mut self, times: u32) {
        for part in &mut self.parts {
            *part = if times > HALVINGS_MAX { 0 } else { *part >> times };
        }
    }
}

/// How few identities have such a finding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rare {
    having: usize,
    identities: usize,
    surprise: u64,
}

impl Rare {
    /// One tenth for each halving of the identities, or for two bits of surprise.
    fn tenths(self) -> u64 {
        let halvings = (self.identities / self.having.max(1)).max(1).ilog2();
        u64::from(halvings).max(self.surprise / 2).min(TENTHS_MAX)
    }
}

impl fmt::Display for Rare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {} of {} identities", self.having, self.identities)?;
        if self.surprise > 0 { write!(f, ", {} bits of surprise", self.surprise) } else { Ok(()) }
    }
}

/// How much was reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    extent: Extent,
    objects: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Extent {
    Named,
    Namespace,
    Cluster,
}

impl Reach {
    fn tenths(self) -> u64 {
        let extent = match self.extent {
            Extent::Named => 0,
            Extent::Namespace => 2,
            Extent::Cluster => 4,
        };
        (extent + u64::from(self.objects.max(1).ilog2())).min(TENTHS_MAX)
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.extent {
            Extent::Named => "",
            Extent::Namespace => "a whole namespace",
            Extent::Cluster => "the whole cluster",
        };
        match (words, self.objects) {
            ("", objects) => write!(f, "{objects} objects"),
            (words, 0 | 1) => f.write_str(words),
            (words, objects) => write!(f, "{words}, {objects} objects"),
        }
    }
}

/// What a finding weighs. `having` of the `identities` have one of its detection.
pub(super) fn weigh(finding: &Finding, having: usize, identities: usize) -> Weight<'_> {
    let evidence: Map<String, Value> = serde_json::from_str(&finding.evidence).unwrap_or_default();
    let refused = refused(finding, &evidence);
    let tenth = worth(finding.severity) / 10;
    let counted = if refused { tenth * 5 } else { tenth * 10 };
    let rare = Rare { having, identities, surprise: surprise(&evidence) };
    let reach = reach(finding, &evidence);
    let of_counted = |tenths: u64| counted / 10 * tenths;
    let parts = [tenth * 5, if refused { 0 } else { tenth * 5 }, of_counted(rare.tenths()), of_counted(reach.tenths())];
    Weight { finding, refused, counted, rare, reach, parts }
}

/// Whether nothing of it succeeded: by the evidence's own word or count, else by the words of the detection's id.
fn refused(finding: &Finding, evidence: &Map<String, Value>) -> bool {
    let outcomes = OUTCOMES.iter().filter_map(|name| evidence.get(*name)).flat_map(words).collect::<Vec<_>>();
    if outcomes.is_empty() {
        if let Some(refused) = evidence.get("refused").and_then(number) {
            return i64::try_from(refused).is_ok_and(|refused| refused >= finding.events.max(1));
        }
        let says = |words: &[&str]| finding.detection.split('_').any(|word| words.contains(&word));
        return says(&REFUSED) && !says(&LATER);
    }
    outcomes.iter().all(|outcome| matches!(outcome.as_str(), "denied" | "refused" | "failed"))
}

fn surprise(evidence: &Map<String, Value>) -> u64 {
    let bits = SURPRISES.iter().filter_map(|name| evidence.get(*name)).filter_map(number);
    bits.max().unwrap_or(0).min(64)
}

fn reach(finding: &Finding, evidence: &Map<String, Value>) -> Reach {
    let object = finding.object.as_str();
    let scope = evidence.get("scope").map(words).unwrap_or_default();
    let says = |word: &str| scope.iter().any(|scope| scope == word);
    let of_cluster =
        |name: &str| evidence.get(name).and_then(Value::as_str).is_some_and(|kind| kind.starts_with("cluster"));
    let extent = if says("cluster")
        || object.contains("*/*")
        || object.contains("all namespaces")
        || finding.detection.contains("cluster_wide")
        || finding.detection.contains("cluster_admin")
        || of_cluster("resource")
    {
        Extent::Cluster
    } else if says("namespace") || object.ends_with("/*") {
        Extent::Namespace
    } else {
        Extent::Named
    };
    let counted = OBJECTS.iter().filter_map(|name| evidence.get(*name));
    let counted = counted.map(|value| number(value).unwrap_or_else(|| words(value).len() as u64));
    // "35 secrets"
    let told = object.split(' ').next().and_then(|word| word.parse().ok());
    Reach { extent, objects: counted.chain(told).max().unwrap_or(1).max(1) }
}

/// A number, or a text that begins with one, without its fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is bounded before")]
fn number(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    number.is_finite().then(|| number.clamp(0.0, 1e12) as u64)
}

/// The words of a text or of a list of texts: detections join names by blanks or commas.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split([' ', ',']).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect(),
        Value::Array(values) => values.iter().flat_map(words).collect(),
        _ => Vec::new(),
    }
}

/// The secrets that a finding names, each once.
pub(super) fn secrets(finding: &Finding, is_about_secrets: bool) -> BTreeSet<String> {
    let evidence: Map<String, Value> = serde_json::from_str(&finding.evidence).unwrap_or_default();
    let mut named: BTreeSet<String> =
        SECRETS.iter().filter_map(|name| evidence.get(*name)).flat_map(words).filter(|name| is_secret(name)).collect();
    let object = finding.object.as_str();
    if is_about_secrets {
        named.extend(is_secret(object).then(|| object.to_owned()));
        named.extend(object.contains("all namespaces").then(|| "*/*".to_owned()));
    }
    // "pods shop/cart uses payments/ledger-db"
    if let Some((_, used)) = object.rsplit_once(" uses ")
        && is_secret(used)
    {
        named.insert(used.to_owned());
    }
    named
}

/// Whether a text is `namespace/name` as Kubernetes allows, or with `*` in either place.
fn is_secret(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_name = |name: &str| {
        name == "*"
            || name.len() <= 253
                && name.starts_with(plain)
                && name.ends_with(plain)
                && name.chars().all(|c| plain(c) || c == '-' || c == '.')
    };
    text.split_once('/').is_some_and(|(namespace, name)| is_name(namespace) && is_name(name))
}
