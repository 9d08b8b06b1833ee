//! Findings as NDJSON: one object a line, with times in RFC 3339 and the evidence nested.

use std::io::Write;

use serde::Serialize;
use serde_json::value::RawValue;

use super::escape;
use super::evidence;
use super::human::rfc3339;
use super::{Format, Report, io_error};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};

pub(super) struct Ndjson;

impl Format for Ndjson {
    fn name(&self) -> &'static str {
        "ndjson"
    }

    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
        for finding in report.findings {
            writeln!(out, "{}", text(&Row::new(finding))?).map_err(io_error)?;
        }
        out.flush().map_err(io_error)
    }
}

/// A value as compact JSON without characters that steer a terminal.
pub(super) fn text(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(value).map_err(|error| Error::Internal(format!("writing JSON: {error}")))?;
    Ok(escape::json(&text).into_owned())
}

/// A finding as JSON: the fields of [`Finding`] in their order.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    detection: &'a str,
    title: &'a str,
    severity: Severity,
    attack: &'a [String],
    audit_id: &'a str,
    audit_ids: &'a [String],
    first_seen: String,
    last_seen: String,
    actor: &'a str,
    object: &'a str,
    events: i64,
    cluster: &'a str,
    finding_id: &'a str,
    evidence: Evidence<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Evidence<'a> {
    Object(Box<RawValue>),
    Text(&'a str),
}

impl<'a> Row<'a> {
    pub(super) fn new(finding: &'a Finding) -> Self {
        Self {
            detection: &finding.detection,
            title: &finding.title,
            severity: finding.severity,
            attack: &finding.attack,
            audit_id: &finding.audit_id,
            audit_ids: &finding.audit_ids,
            first_seen: rfc3339(finding.first_seen),
            last_seen: rfc3339(finding.last_seen),
            actor: &finding.actor,
            object: &finding.object,
            events: finding.events,
            cluster: &finding.cluster,
            finding_id: &finding.finding_id,
            evidence: evidence::object(&finding.evidence).map_or(Evidence::Text(&finding.evidence), Evidence::Object),
        }
    }
}
