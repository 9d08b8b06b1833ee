//! The report in one paragraph: what happened, what it cost, and what to do first.

use std::collections::BTreeSet;

use super::super::dossier::Rotation;
use super::super::dossier::sections;
use super::super::human::{count, few, plural, seconds};
use super::Answer;
use crate::finding::Finding;

/// Risk of a secret from which on it is among the first to replace.
const PRESSING: u32 = 60;

/// The heading.
pub(super) fn title(answer: &Answer<'_>) -> String {
    let loud = loud(answer);
    let secrets = answer.dossier.as_ref().map_or(0, |dossier| dossier.rotate.secrets.len());
    let findings = || plural(loud.len() as u64, "finding", "findings");
    let identities = || plural(identities(&loud).len().max(1) as u64, "identity", "identities");
    match (loud.len(), secrets) {
        (0, _) if answer.report.ran() == 0 => "Nothing was looked for: no detection ran".to_owned(),
        (0, _) => format!("No finding of severity {} or more", answer.least),
        (_, 0) => format!("{} about {}; no secret came into their hands", findings(), identities()),
        (_, n) => {
            format!("{} to rotate: {} about {}", plural(n as u64, "secret", "secrets"), findings(), identities())
        }
    }
}

/// The paragraph, a sentence or two a line.
pub(super) fn lines(answer: &Answer<'_>) -> Vec<String> {
    let loud = loud(answer);
    let summary = &answer.report.summary;
    let looked = plural(answer.report.ran(), "detection", "detections");
    let time = summary
        .first_ts
        .zip(summary.last_ts)
        .map_or_else(String::new, |(first, last)| format!(" between {} and {} UTC", seconds(first), seconds(last)));
    let mut lines = Vec::new();
    if let Some(first) = loud.first() {
        lines.push(format!(
            "{looked} looked at what happened{time}. {} worth a look today, by {}; the loudest: {} ({}).",
            match loud.len() as u64 {
                1 => "1 finding is".to_owned(),
                n => format!("{} findings are", count(n)),
            },
            few(identities(&loud).into_iter()),
            first.title,
            first.severity
        ));
    } else {
        lines.push(format!(
            "{looked} looked at what happened{time}, and found nothing of severity {} or more. What could not be seen \
             is told below.",
            answer.least
        ));
    }
    if let Some(dossier) = &answer.dossier {
        lines.extend(sections::verdict(dossier).lines);
        lines.extend(first(&dossier.rotate.secrets, dossier.rotate.tokens.len()));
    }
    lines
}

/// What to do first.
fn first(secrets: &[Rotation], tokens: usize) -> Option<String> {
    let pressing: Vec<&Rotation> = secrets.iter().filter(|secret| secret.risk >= PRESSING).collect();
    let names: Vec<String> = pressing.iter().map(|secret| format!("{}/{}", secret.namespace, secret.name)).collect();
    let rotate = (!names.is_empty()).then(|| format!("rotate {}", few(names.iter().map(String::as_str))));
    let revoke = (tokens > 0).then(|| format!("revoke {}", plural(tokens as u64, "credential", "credentials")));
    let parts: Vec<String> = rotate.into_iter().chain(revoke).collect();
    (!parts.is_empty()).then(|| format!("First: {}.", parts.join(", then ")))
}

fn loud<'a>(answer: &Answer<'a>) -> Vec<&'a Finding> {
    answer.report.findings.iter().filter(|finding| finding.severity >= answer.least).collect()
}

/// In the order of the findings: the loudest first.
fn identities<'a>(findings: &[&'a Finding]) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let actors = findings.iter().map(|finding| match finding.actor.as_str() {
        "" => "somebody whom the log does not name",
        actor => actor,
    });
    actors.filter(|actor| seen.insert(*actor)).collect()
}
