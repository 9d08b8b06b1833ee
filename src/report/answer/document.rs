//! The report as JSON: the documents of the findings, of their explanations and of the dossier in one.

use serde_json::json;

use super::super::ndjson::text;
use super::super::{Format, dossier, explanation, json::Json};
use super::{Answer, verdict};
use crate::error::Result;

/// The document.
pub(super) fn json(answer: &Answer<'_>) -> Result<String> {
    let head = json!({"title": verdict::title(answer), "lines": verdict::lines(answer)});
    let mut document = format!("{{\"verdict\":{},\n\"report\":", text(&head)?);
    let mut report = Vec::new();
    Json.write(&answer.report, &mut report)?;
    document += String::from_utf8_lossy(&report).trim_end();
    let explanations = answer.explanations.iter().map(explanation::json).collect::<Result<Vec<_>>>()?;
    let explanations: Vec<&str> = explanations.iter().map(|one| one.trim_end()).collect();
    document += &format!(",\n\"explanations\":[{}]", explanations.join(",\n"));
    let found = answer.dossier.as_ref().map(dossier::document::json).transpose()?;
    document += &format!(",\n\"dossier\":{}", found.as_deref().map_or("null", str::trim_end));
    // without it a report is as if there were no such thing
    if let Some(review) = &answer.review {
        document += &format!(",\n\"review\":{}", text(review)?);
    }
    document += &format!(",\n\"commands\":{}}}\n", text(&answer.commands)?);
    Ok(document)
}
