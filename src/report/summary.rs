//! The summary of a run on one screen: what was read, what was found, and what could not be looked at.

use std::fmt::Write;

use super::escape::{cut, terminal};
use super::human::{bytes, count, plural, seconds};
use super::{Effect, Report, Suppression, readiness, risk};
use crate::account::{Account, Outcome};
use crate::limits::CELL_CHARS_MAX;
use crate::risk::Risk;

/// Sources with notes and reasons for not evaluating that are listed; one screen holds no more.
const LISTED_MAX: usize = 8;
/// Identities that are named as the riskiest.
const RISKIEST_MAX: usize = 3;

/// The summary as lines of text, made safe for a terminal.
#[must_use]
pub fn summary(report: &Report<'_>) -> String {
    let mut lines = Vec::new();
    if !report.accounts.is_empty() {
        lines.push(("read", read(report)));
        lines.extend(notes(report.accounts));
    }
    let totals = &report.summary.totals;
    if totals.lines > 0 {
        lines.push(("lines", balance(totals)));
    }
    if !totals.rejects.is_empty() {
        lines.push(("rejects", counted(totals.rejects.iter())));
    }
    if let (Some(first), Some(last)) = (report.summary.first_ts, report.summary.last_ts) {
        lines.push(("time", format!("{} to {} UTC", seconds(first), seconds(last))));
    }
    if !report.summary.clusters.is_empty() {
        lines.push(("clusters", report.summary.clusters.join(", ")));
    }
    if !totals.levels.is_empty() {
        lines.push(("levels", counted(totals.levels.iter())));
    }
    if !report.outcomes.is_empty() || !report.findings.is_empty() {
        lines.push(("findings", findings(report)));
        lines.extend(suppressions(report));
        lines.extend(riskiest(report.risk));
    }
    if !report.outcomes.is_empty() {
        lines.push(("detections", detections(report)));
        if report.readiness.verdicts.is_empty() {
            lines.extend(reasons("not evaluable", report.not_evaluable()));
        } else {
            lines.push(("readiness", readiness::tally(report.readiness)));
            lines.extend(readiness::worst(report.readiness, LISTED_MAX).into_iter().map(|line| ("", line)));
        }
        lines.extend(reasons("incomplete", report.incomplete()));
    }
    lines.iter().fold(String::new(), |mut text, (label, line)| {
        let line = cut(line, CELL_CHARS_MAX);
        writeln!(text, "{label:<11} {}", terminal(&line)).expect("writing to a String cannot fail");
        text
    })
}

/// The findings by severity: "2 high, 1 low", or "none".
pub(super) fn findings(report: &Report<'_>) -> String {
    let tally = report.tally();
    let found = if tally.is_empty() {
        "none".to_owned()
    } else {
        tally.iter().map(|(severity, n)| format!("{} {severity}", count(*n))).collect::<Vec<_>>().join(", ")
    };
    match report.suppressed() {
        0 => found,
        suppressed => format!("{found} ({} suppressed)", count(suppressed)),
    }
}

fn read(report: &Report<'_>) -> String {
    let accounts = report.accounts;
    let of = |outcome: Outcome| accounts.iter().filter(|account| account.outcome == outcome).count() as u64;
    let mut parts = vec![format!(
        "{}, {}",
        plural(accounts.len() as u64, "source", "sources"),
        bytes(accounts.iter().map(|account| account.file_bytes).sum())
    )];
    let states = [
        (Outcome::Grown, "grown since"),
        (Outcome::Known, "known before"),
        (Outcome::Shrunk, "shorter than before"),
        (Outcome::Refused, "refused"),
    ];
    parts.extend(states.into_iter().filter(|(o, _)| of(*o) > 0).map(|(o, word)| format!("{} {word}", count(of(o)))));
    parts.join("; ")
}

/// What became of the lines: "1.2 M = 1.2 M rows + 2 rejected".
pub(super) fn balance(account: &Account) -> String {
    let mut parts = vec![plural(account.rows, "row", "rows")];
    let others = [
        (account.rejected(), "rejected", "rejected"),
        (account.duplicates, "duplicate", "duplicates"),
        (account.blanks, "blank", "blank"),
        (account.not_audit, "of other logs", "of other logs"),
    ];
    parts.extend(others.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| plural(n, one, many)));
    format!("{} = {}", count(account.lines), parts.join(" + "))
}

/// "Metadata 1.2 M, Request 3".
pub(super) fn counted<'a>(counts: impl Iterator<Item = (&'a String, &'a u64)>) -> String {
    counts.map(|(name, n)| format!("{name} {}", count(*n))).collect::<Vec<_>>().join(", ")
}

/// The sources that need a word: refused, shrunk, or with notes.
fn notes(accounts: &[Account]) -> Vec<(&'static str, String)> {
    let state = |account: &Account| match account.outcome {
        Outcome::Refused => Some("refused".to_owned()),
        Outcome::Skipped => Some("passed over".to_owned()),
        Outcome::Shrunk => Some("shorter than before".to_owned()),
        Outcome::Ingested | Outcome::Known | Outcome::Grown => None,
    };
    let words = |account: &Account| state(account).into_iter().chain(account.notes.clone()).collect::<Vec<_>>();
    let noted: Vec<_> = accounts.iter().map(|a| (a, words(a))).filter(|(_, words)| !words.is_empty()).collect();
    let line = |(account, words): &(&Account, Vec<String>)| {
        ("", format!("{}: {}", cut(&account.source, CELL_CHARS_MAX / 4), words.join("; ")))
    };
    noted.iter().take(LISTED_MAX).map(line).chain(more(noted.len())).collect()
}

/// What was hidden by whose word; first the suppressions that should be looked at again.
fn suppressions(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let line = |(index, rule): (usize, &Suppression)| {
        let effect = match (rule.effect, rule.findings) {
            (Effect::Hid, n) => format!("{} until {}", count(n), rule.expires),
            (Effect::Idle, _) => "hid nothing".to_owned(),
            (Effect::Expired, 0) => format!("expired {}", rule.expires),
            (Effect::Expired, n) => format!("expired {}, {} shown again", rule.expires, count(n)),
            (Effect::NotRun, _) => "its detection did not run".to_owned(),
        };
        let named = [("actor", &rule.actor), ("object", &rule.object), ("cluster", &rule.cluster)];
        let named = named.into_iter().filter_map(|(key, name)| Some(format!(", {key} {}", name.as_ref()?)));
        let label = if index == 0 { "suppressed" } else { "" };
        let (detection, reason, owner) = (&rule.detection, &rule.reason, &rule.owner);
        (label, format!("{effect}: {detection}{} ({reason}; {owner})", named.collect::<String>()))
    };
    let mut rules: Vec<_> = report.suppressions.iter().collect();
    rules.sort_by_key(|rule| match rule.effect {
        Effect::Expired => 0,
        Effect::Idle => 1,
        Effect::Hid => 2,
        Effect::NotRun => 3,
    });
    rules.iter().copied().enumerate().take(LISTED_MAX).map(line).chain(more(rules.len())).collect()
}

/// The identities that most speaks against.
fn riskiest(risk: &Risk) -> Vec<(&'static str, String)> {
    let clusters = risk::clusters(risk);
    let line = |(index, score): (usize, &crate::risk::Score)| {
        let label = if index == 0 { "riskiest" } else { "" };
        let name = risk::name(score, clusters);
        let most = score.terms.first().map(|term| format!(": {}", term.why)).unwrap_or_default();
        (label, format!("{:>3}  {}{most}", score.score, cut(&name, CELL_CHARS_MAX / 4)))
    };
    Risk::loud(&risk.identities, RISKIEST_MAX).enumerate().map(line).collect()
}

fn detections(report: &Report<'_>) -> String {
    let mut parts = vec![format!("{} ran", count(report.ran()))];
    let states = [(report.not_evaluable(), "could not be evaluated"), (report.incomplete(), "did not finish")];
    for (groups, words) in states {
        let n = groups.values().map(|ids| ids.len() as u64).sum();
        if n > 0 {
            parts.push(format!("{} {words}", count(n)));
        }
    }
    parts.join(", ")
}

fn reasons(label: &str, groups: std::collections::BTreeMap<&str, Vec<&str>>) -> Vec<(&'static str, String)> {
    let total = groups.len();
    let line = |(why, ids): (&str, Vec<&str>)| ("", format!("{label}, {why}: {}", ids.join(", ")));
    let mut lines: Vec<_> = groups.into_iter().take(LISTED_MAX).map(line).collect();
    lines.extend(more(total));
    lines
}

fn more(total: usize) -> Option<(&'static str, String)> {
    (total > LISTED_MAX).then(|| ("", format!("... and {} more", total - LISTED_MAX)))
}
