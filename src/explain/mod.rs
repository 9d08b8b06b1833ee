//! A finding explained: what it was bound to, the requests behind it, and what to ask next.

mod questions;
mod quote;

use std::path::Path;

use chrono::NaiveDate;

pub use self::quote::word;
use crate::config::Config;
use crate::detection::Detection;
use crate::engine::{Evidence, Session};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::report::explanation::{Explanation, Param};

/// The fewest hexadecimal digits that stand for a finding.
pub const ID_DIGITS_MIN: usize = 6;

/// Explains a finding of a lake of so many `clusters`. What cannot be read is told in the explanation, and the error
/// comes back beside it.
pub fn explain<'a>(
    session: &Session,
    finding: &'a Finding,
    detection: Option<&'a Detection>,
    config: &Config,
    today: NaiveDate,
    lake: &Path,
    clusters: usize,
) -> Result<(Explanation<'a>, Option<Error>)> {
    let requests = session.requests(&Evidence {
        audit_ids: &finding.audit_ids,
        first_seen: finding.first_seen,
        last_seen: finding.last_seen.max(finding.first_seen),
        cluster: &finding.cluster,
    });
    let (requests, fault) = match requests {
        Ok(requests) => (requests, None),
        Err(Error::Internal(bug)) => return Err(Error::Internal(bug)),
        Err(error) => (crate::engine::Requests::default(), Some(error)),
    };
    let suppression = config.suppress.iter().find(|rule| rule.fits(finding) && !rule.is_over(today));
    let explanation = Explanation {
        finding,
        detection,
        params: detection.map(|detection| params(detection, config)).unwrap_or_default(),
        suppressed: suppression.map(|rule| format!("{} ({}, until {})", rule.reason, rule.owner, rule.expires)),
        questions: questions::questions(finding, &requests.rows, lake, clusters > 1),
        requests: requests.rows,
        total: requests.total,
        unread: fault.as_ref().map(ToString::to_string),
    };
    Ok((explanation, fault))
}

/// The finding whose id begins so. Several rows may share an id; the first stands for them.
pub fn pick<'a>(findings: &'a [Finding], id: &str) -> Result<Option<&'a Finding>> {
    let mut found = findings.iter().filter(|finding| finding.finding_id.starts_with(id));
    let Some(first) = found.next() else { return Ok(None) };
    let mut others: Vec<&str> = found.map(|finding| finding.finding_id.as_str()).collect();
    others.retain(|other| *other != first.finding_id);
    if others.is_empty() {
        return Ok(Some(first));
    }
    others.dedup();
    let shown = others.iter().take(5).map(|id| format!(", {id}")).collect::<String>();
    Err(Error::usage(format!(
        "{} findings begin with {id}: {}{shown}; give more digits",
        others.len() + 1,
        first.finding_id
    )))
}

/// Refuses what can be no id of a finding; gives it in lowercase.
pub fn id(text: &str) -> Result<String> {
    let fits = (ID_DIGITS_MIN..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if fits {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Error::usage(format!(
        "{text:?} is no finding: give {ID_DIGITS_MIN} or more of the hexadecimal digits that the column id, or \
         finding_id, of a run shows"
    )))
}

fn params(detection: &Detection, config: &Config) -> Vec<Param> {
    let changed = config.params.get(&detection.id);
    let bound = detection.header.params.iter().map(|(name, default)| Param {
        name: name.clone(),
        value: changed.and_then(|changed| changed.get(name)).copied().unwrap_or(*default),
        default: *default,
    });
    bound.collect()
}
