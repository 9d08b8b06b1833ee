//! Numbers for a brief: what a dossier and the readiness add up to, and times to the minute.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::names::{Kind, Names};
use super::words;
use crate::detection::readiness::{Readiness, Sight};
use crate::limits::REVIEW_LIST_MAX;
use crate::report::dossier::{Access, Dossier, Subject};

const MINUTE: &str = "%Y-%m-%dT%H:%MZ";
/// An hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

/// Microseconds since 1970, to the minute; nothing where no calendar reaches.
pub(super) fn minute(micros: i64) -> Option<String> {
    DateTime::from_timestamp_micros(micros).map(|time| time.format(MINUTE).to_string())
}

/// A time that a query wrote, to the minute.
pub(super) fn minute_of(text: &str) -> Option<String> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.with_timezone(&Utc).format(MINUTE).to_string())
}

/// How many of each.
fn counts(words: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    counts
}

/// What a dossier adds up to.
pub(super) fn dossier(dossier: &Dossier, names: &mut Names) -> Value {
    let secrets = &dossier.rotate.secrets;
    let tokens = dossier.rotate.tokens.iter();
    let ways = secrets.iter().flat_map(|secret| {
        let how: BTreeSet<&str> = secret.readers.iter().flat_map(|one| &one.how).map(|how| words::deed(how)).collect();
        how.into_iter().map(str::to_owned)
    });
    let entries = dossier.entries.iter().map(|entry| {
        let outcome = words::deed(entry.outcome.as_deref().unwrap_or("unknown"));
        let by = if entry.by_subject { "by the subject" } else { "by others" };
        format!("{} {outcome} {by}", words::deed(&entry.kind))
    });
    let attempts = dossier.accesses.iter().filter(|access| !access.exposes());
    let grants = dossier.rights.iter().flat_map(|rights| &rights.grants);
    let silent = dossier.gaps.iter().map(|gap| gap.until.saturating_sub(gap.since) / HOUR);
    json!({
        "subject": subject(&dossier.subject, names),
        "secrets_to_rotate": secrets.len(),
        "of_these_exposed_by": counts(ways),
        "of_these_by_type": counts(secrets.iter().map(|one| words::secret_type(one.kind.as_deref()).to_owned())),
        "of_these_only_referred_to": secrets.iter().filter(|secret| !secret.certain).count(),
        "of_these_deleted_since": secrets.iter().filter(|secret| secret.gone.is_some()).count(),
        "requests_for_secrets_in_vain": attempts.map(|access: &Access| access.requests).sum::<u64>(),
        "credentials_to_revoke": counts(tokens.map(|token| format!("{} {}", token.kind, token.why))),
        "ways_into_pods": counts(entries),
        "tokens_issued": dossier.minted.len(),
        "perhaps_the_same_by": counts(dossier.others.iter().map(|other| other.link.to_owned())),
        "requests": dossier.presences.iter().map(|one| one.requests).sum::<u64>(),
        "requests_denied": dossier.presences.iter().map(|one| one.denied).sum::<u64>(),
        "grants": grants.clone().count(),
        "grants_never_used": grants.filter(|grant| grant.requests == 0).count(),
        "gaps_in_the_log": dossier.gaps.len(),
        "hours_of_gaps": silent.sum::<i64>(),
    })
}

/// Whom a dossier is about.
fn subject(subject: &Subject, names: &mut Names) -> Value {
    let mut list = |kind: Kind, texts: &[String]| -> Vec<String> {
        let one = |text: &String| match text.parse() {
            Ok(address) => names.address(address),
            Err(_) => names.stand_in(kind, text),
        };
        texts.iter().take(REVIEW_LIST_MAX).map(one).collect()
    };
    json!({
        "identities": list(Kind::Identity, &subject.actors),
        "addresses": list(Kind::Address, &subject.addresses),
        "credentials": list(Kind::Credential, &subject.credentials),
        "since": subject.since.and_then(minute),
        "until": subject.until.and_then(minute),
    })
}

/// How many detections could see how well.
pub(super) fn readiness(readiness: &Readiness) -> Value {
    Sight::ALL.into_iter().map(|sight| (sight.as_str().to_owned(), Value::from(readiness.count(sight)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_to_the_minute() {
        assert_eq!(minute(1_795_332_059_999_999).unwrap(), "2026-11-22T07:20Z");
        assert_eq!(minute(i64::MAX), None);
        assert_eq!(minute_of("2026-11-20T08:15:59+02:00").unwrap(), "2026-11-20T06:15Z");
        assert_eq!(minute_of("yesterday"), None);
    }
}
