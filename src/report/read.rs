//! Findings read back from what a run wrote as NDJSON or JSON.

use chrono::DateTime;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};

/// A finding as NDJSON and JSON have it.
#[derive(Deserialize)]
struct Written {
    detection: String,
    title: String,
    severity: Severity,
    attack: Vec<String>,
    audit_id: String,
    audit_ids: Vec<String>,
    first_seen: String,
    last_seen: String,
    actor: String,
    object: String,
    events: i64,
    cluster: String,
    finding_id: String,
    evidence: Box<RawValue>,
}

#[derive(Deserialize)]
struct Document {
    findings: Vec<Written>,
}

/// The findings of a document. `name` says in messages where it comes from.
pub fn findings(name: &str, text: &str) -> Result<Vec<Finding>> {
    let fault = |what: String| {
        Error::usage(format!("{name}: {what}; findings are read as `detect --format ndjson` or `json` writes them"))
    };
    let written: Vec<Written> = match serde_json::from_str::<Document>(text) {
        Ok(document) => document.findings,
        Err(_) => text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                serde_json::from_str(line).map_err(|error| fault(format!("line {}: {error}", index + 1)))
            })
            .collect::<Result<_>>()?,
    };
    written.into_iter().map(|written| finding(written).map_err(fault)).collect()
}

fn finding(written: Written) -> Result<Finding, String> {
    let time = |text: &str| {
        let time = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_micros());
        // times that no calendar reaches are written as numbers
        time.or_else(|_| text.parse()).map_err(|_| format!("{text:?} is no time"))
    };
    let evidence = written.evidence.get();
    Ok(Finding {
        detection: written.detection,
        title: written.title,
        severity: written.severity,
        attack: written.attack,
        audit_id: written.audit_id,
        audit_ids: written.audit_ids,
        first_seen: time(&written.first_seen)?,
        last_seen: time(&written.last_seen)?,
        actor: written.actor,
        object: written.object,
        events: written.events,
        cluster: written.cluster,
        finding_id: written.finding_id,
        // text that is no object was written as a string
        evidence: serde_json::from_str::<String>(evidence).unwrap_or_else(|_| evidence.to_owned()),
    })
}
