//! The whole report as one JSON document: summary, accounts, suppressions, outcomes, readiness, risks, findings. One
//! line for each of them, so that two runs can be compared with `diff`.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};

use super::human::rfc3339;
use super::ndjson::{Row, text};
use super::{Format, Outcome, Report, State, Suppression, io_error, readiness, risk};
use crate::account::Account;
use crate::error::{Error, Result};

pub(super) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
        write!(out, "{{\"summary\":{}", text(&summary(report))?).map_err(io_error)?;
        list(out, "accounts", report.accounts.iter().map(account))?;
        list(out, "suppressions", report.suppressions.iter().map(|rule| Ok(suppression(rule))))?;
        list(out, "outcomes", report.outcomes.iter().map(|outcome| Ok(self::outcome(outcome))))?;
        list(out, "readiness", report.readiness.verdicts.iter().map(|verdict| Ok(readiness::verdict(verdict))))?;
        list(out, "fixes", report.readiness.fixes.iter().map(|fix| Ok(readiness::fix(fix))))?;
        list(out, "risks", risk::loud(report.risk).map(|(sort, score)| Ok(risk::value(sort, score))))?;
        list(out, "findings", report.findings.iter().map(|finding| Ok(Row::new(finding))))?;
        writeln!(out, "}}").and_then(|()| out.flush()).map_err(io_error)
    }
}

/// One member of the document: an array with a line for each element.
pub(super) fn list<T: Serialize>(
    out: &mut dyn Write,
    name: &str,
    items: impl Iterator<Item = Result<T>>,
) -> Result<()> {
    write!(out, ",\n\"{name}\":[").map_err(io_error)?;
    for (index, item) in items.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}\n{}", text(&item?)?).map_err(io_error)?;
    }
    write!(out, "]").map_err(io_error)
}

fn summary(report: &Report<'_>) -> Value {
    let summary = &report.summary;
    let totals = &summary.totals;
    let severities: serde_json::Map<_, _> =
        report.tally().into_iter().map(|(severity, count)| (severity.to_string(), count.into())).collect();
    json!({
        "version": summary.version,
        "lake_version": summary.lake_version,
        "clusters": summary.clusters,
        "first_ts": summary.first_ts.map(rfc3339),
        "last_ts": summary.last_ts.map(rfc3339),
        "started_at": summary.started_at.map(rfc3339),
        "sources": report.accounts.len(),
        "file_bytes": totals.file_bytes,
        "content_bytes": totals.content_bytes,
        "lines": totals.lines,
        "rows": totals.rows,
        "blanks": totals.blanks,
        "not_audit": totals.not_audit,
        "duplicates": totals.duplicates,
        "rejects": totals.rejects,
        "levels": totals.levels,
        "findings": report.findings.len(),
        "severities": severities,
        "suppressed": report.suppressed(),
    })
}

/// An account as it serialises, its times as in the rest of the document.
fn account(account: &Account) -> Result<Value> {
    let mut value = serde_json::to_value(account).map_err(|error| Error::Internal(format!("writing JSON: {error}")))?;
    value["first_ts"] = account.first_ts.map(rfc3339).into();
    value["last_ts"] = account.last_ts.map(rfc3339).into();
    Ok(value)
}

fn suppression(rule: &Suppression) -> Value {
    json!({
        "detection": rule.detection,
        "actor": rule.actor,
        "object": rule.object,
        "cluster": rule.cluster,
        "reason": rule.reason,
        "owner": rule.owner,
        "expires": rule.expires,
        "effect": rule.effect.as_str(),
        "findings": rule.findings,
    })
}

fn outcome(outcome: &Outcome) -> Value {
    let (findings, reason) = match &outcome.state {
        State::Ran { findings, .. } => (Some(*findings), None),
        State::NotEvaluable(why) | State::Incomplete(why) => (None, Some(why)),
    };
    json!({
        "detection": outcome.detection,
        "state": outcome.state.as_str(),
        "findings": findings,
        "suppressed": outcome.suppressed,
        "reason": reason,
    })
}
