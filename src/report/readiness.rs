//! How well detections could see, as text and JSON: for `rules readiness` and as a part of every report.

use std::io::Write;

use serde_json::{Value, json};

use super::human::{count, plural};
use super::{io_error, json as document, ndjson};
use crate::detection::readiness::{Fix, Readiness, Sight, Verdict};
use crate::error::Result;

/// Ids that one line names.
const IDS_MAX: usize = 4;

/// "61 ready, 5 unseen, 3 blind".
#[must_use]
pub fn tally(readiness: &Readiness) -> String {
    let counts = Sight::ALL.into_iter().map(|sight| (sight, readiness.count(sight)));
    let parts: Vec<_> =
        counts.filter(|(_, n)| *n > 0).map(|(sight, n)| format!("{} {}", count(n), sight.as_str())).collect();
    parts.join(", ")
}

/// The reasons of what is blind or partly so, at most `most` lines, and where to read on.
pub(super) fn worst(readiness: &Readiness, most: usize) -> Vec<String> {
    let groups: Vec<_> = [Sight::Blind, Sight::Partly]
        .into_iter()
        .flat_map(|sight| readiness.reasons(sight).into_iter().map(move |group| (sight, group)))
        .collect();
    let line = |(sight, (why, ids)): &(Sight, (&str, Vec<&str>))| format!("{}, {why}: {}", sight.as_str(), few(ids));
    let mut lines: Vec<String> = groups.iter().take(most).map(line).collect();
    if groups.len() > most {
        lines.push(format!("... and {} more", groups.len() - most));
    }
    if !readiness.fixes.is_empty() {
        lines.push("kubesift rules readiness prints the audit policy that would help".to_owned());
    }
    lines
}

/// "a, b, c, d and 5 more".
fn few(ids: &[&str]) -> String {
    let first = ids[..ids.len().min(IDS_MAX)].join(", ");
    if ids.len() > IDS_MAX { format!("{first} and {} more", ids.len() - IDS_MAX) } else { first }
}

/// All of it for a terminal of that width, the fixes as lines of an audit policy with comments.
#[must_use]
pub fn text(readiness: &Readiness, width: usize) -> String {
    let detections = plural(readiness.verdicts.len() as u64, "detection", "detections");
    let mut text = format!("{} events, {detections}: {}\n", count(readiness.events), tally(readiness));
    for sight in [Sight::Blind, Sight::Partly, Sight::Unseen] {
        let groups = readiness.reasons(sight);
        if !groups.is_empty() {
            text += &format!("\n{}: {}\n", sight.as_str().to_uppercase(), meaning(sight));
        }
        for (why, ids) in groups {
            text += &format!("  {why}\n{}", wrapped("    ", &ids.join(", "), width));
        }
    }
    for fix in &readiness.fixes {
        text += &format!("\n{}", wrapped("# ", &fix.what, width));
        let ids: Vec<&str> = fix.detections.iter().map(String::as_str).collect();
        text += &wrapped("# ", &format!("for {}", few(&ids)), width);
        fix.policy.iter().for_each(|line| text += &format!("{line}\n"));
    }
    text
}

/// What a word means to whoever reads it for the first time.
pub(super) fn meaning(sight: Sight) -> &'static str {
    match sight {
        Sight::Ready => "all that they need was logged",
        Sight::Unseen => "nothing of their kind was logged, which proves nothing",
        Sight::Partly => "they could miss some of what they are for",
        Sight::Blind => "they could not have found anything; silence there means nothing",
    }
}

fn wrapped(indent: &str, text: &str, width: usize) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line + word.chars().count() > width && line > indent.len() {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// All of it as one JSON document.
pub fn json(readiness: &Readiness, out: &mut dyn Write) -> Result<()> {
    write!(out, "{{\"events\":{}", readiness.events).map_err(io_error)?;
    let counts: serde_json::Map<_, _> =
        Sight::ALL.into_iter().map(|sight| (sight.as_str().to_owned(), readiness.count(sight).into())).collect();
    write!(out, ",\n\"detections\":{}", ndjson::text(&counts)?).map_err(io_error)?;
    document::list(out, "readiness", readiness.verdicts.iter().map(|one| Ok(verdict(one))))?;
    document::list(out, "fixes", readiness.fixes.iter().map(|one| Ok(fix(one))))?;
    writeln!(out, "}}").and_then(|()| out.flush()).map_err(io_error)
}

pub(super) fn verdict(verdict: &Verdict) -> Value {
    json!({"detection": verdict.detection, "state": verdict.sight.as_str(), "reasons": verdict.reasons})
}

pub(super) fn fix(fix: &Fix) -> Value {
    json!({"what": fix.what, "detections": fix.detections, "policy": fix.policy})
}
