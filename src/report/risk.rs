//! Risk scores: a table on a terminal, CSV, JSON, and the words that the reports share.

use std::io::Write;

use serde_json::{Value, json};

use super::csv::{csv_error, writer};
use super::escape::{csv_cell, cut, terminal};
use super::grid::{self, Column};
use super::io_error;
use super::ndjson::text;
use crate::detection::attack;
use crate::error::{Error, Result};
use crate::limits::{CELL_CHARS_MAX, RISKS_REPORTED_MAX};
use crate::risk::{Kind, Risk, Score, Term};

/// The names that [`write`] knows.
pub const RISK_FORMATS: [&str; 3] = ["table", "json", "csv"];

/// From this width on there is room for the words of the terms.
const WIDE: u16 = 120;
/// What stands for the name of an identity that a log does not name.
const NOBODY: &str = "(nobody named)";

/// Writes the highest scores, at most `most` of each sort. `width` is that of the terminal, for a table.
pub fn write(risk: &Risk, format: &str, most: usize, width: Option<u16>, out: &mut dyn Write) -> Result<()> {
    match format {
        "table" => table(risk, most, width, out),
        "json" => json(risk, most, out),
        "csv" => csv(risk, most, out),
        _ => {
            let known = RISK_FORMATS.join(", ");
            Err(Error::usage(format!("unknown format {format:?} for risks; use one of {known}")))
        }
    }
}

/// The scores with the word for what they are of.
pub(super) fn sorts(risk: &Risk) -> [(&'static str, &[Score]); 2] {
    [("identity", &risk.identities), ("secret", &risk.secrets)]
}

/// The highest scores that something medium or louder speaks for, with the word for what they are of.
pub(super) fn loud(risk: &Risk) -> impl Iterator<Item = (&'static str, &Score)> {
    let loud =
        |(sort, scores): (&'static str, _)| Risk::loud(scores, RISKS_REPORTED_MAX).map(move |score| (sort, score));
    sorts(risk).into_iter().flat_map(loud)
}

/// The name to show. Several clusters may have the same.
pub(super) fn name(score: &Score, clusters: usize) -> String {
    let name = if score.name.is_empty() { NOBODY } else { &score.name };
    if clusters > 1 { format!("{name} ({})", score.cluster) } else { name.to_owned() }
}

/// How many clusters there are scores of.
pub(super) fn clusters(risk: &Risk) -> usize {
    let all = risk.identities.iter().chain(&risk.secrets).map(|score| score.cluster.as_str());
    all.collect::<std::collections::BTreeSet<_>>().len()
}

/// What a term comes from, tactics by their names.
pub(super) fn why(term: &Term) -> String {
    if term.kind != Kind::Chain {
        return term.why.clone();
    }
    term.why.split(", ").map(|id| attack::name(id).unwrap_or(id)).collect::<Vec<_>>().join(" → ")
}

/// All terms on one line: "severity 33 (1 critical), success 31 (nothing was refused)".
pub(super) fn line(score: &Score) -> String {
    let term = |term: &Term| format!("{} {} ({})", term.kind.as_str(), term.points, why(term));
    score.terms.iter().map(term).collect::<Vec<_>>().join(", ")
}

/// A score as JSON.
pub(super) fn value(sort: &str, score: &Score) -> Value {
    let term = |term: &Term| {
        json!({
            "term": term.kind.as_str(),
            "points": term.points,
            "why": why(term),
            "findings": term.findings,
        })
    };
    json!({
        "of": sort,
        "name": score.name,
        "cluster": score.cluster,
        "score": score.score,
        "loudest": score.loudest,
        "findings": score.findings,
        "terms": score.terms.iter().map(term).collect::<Vec<_>>(),
    })
}

fn table(risk: &Risk, most: usize, width: Option<u16>, out: &mut dyn Write) -> Result<()> {
    let clusters = clusters(risk);
    let mut text = String::new();
    for (sort, scores) in sorts(risk).into_iter().filter(|(_, scores)| !scores.is_empty()) {
        let last = if sort == "identity" { Kind::Chain } else { Kind::Spread };
        let kinds = [Kind::Severity, Kind::Success, Kind::Rarity, Kind::Scope, last];
        let shown = &scores[..scores.len().min(most)];
        let mut rows: Vec<_> = shown.iter().map(|score| row(score, clusters, kinds)).collect();
        let mut columns = columns(sort, kinds);
        if width.is_some_and(|width| width < WIDE) {
            columns.pop();
            rows.iter_mut().for_each(|row| drop(row.pop()));
        }
        let gap = if text.is_empty() { "" } else { "\n" };
        text = text + gap + &grid::draw(&columns, &rows, width, None);
        if shown.len() < scores.len() {
            text += &format!("... {} more\n", scores.len() - shown.len());
        }
    }
    if text.is_empty() {
        text += "no findings, so no risk to tell of\n";
    }
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(io_error)
}

fn columns(sort: &str, kinds: [Kind; 5]) -> Vec<Column> {
    let column = |title: &str, weight, right| Column { title: title.to_owned(), weight, ends: weight > 1, right };
    let mut columns = vec![column("risk", 0, true), column(sort, 3, false)];
    columns.extend(kinds.map(|kind| column(&format!("+{}", kind.as_str()), 0, true)));
    columns.push(Column { ends: false, ..column("why", 4, false) });
    columns
}

fn row(score: &Score, clusters: usize, kinds: [Kind; 5]) -> Vec<String> {
    let safe = |text: &str| terminal(&cut(text, CELL_CHARS_MAX)).into_owned();
    let mut row = vec![score.score.to_string(), safe(&name(score, clusters))];
    row.extend(kinds.map(|kind| score.points(kind).to_string()));
    row.push(safe(&score.terms.iter().map(why).collect::<Vec<_>>().join("; ")));
    row
}

fn json(risk: &Risk, most: usize, out: &mut dyn Write) -> Result<()> {
    for (index, (sort, scores)) in sorts(risk).into_iter().enumerate() {
        let (open, member) = [("{", "identities"), (",\n", "secrets")][index];
        write!(out, "{open}\"{member}\":[").map_err(io_error)?;
        for (index, score) in scores.iter().take(most).enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}\n{}", text(&value(sort, score))?).map_err(io_error)?;
        }
        write!(out, "]").map_err(io_error)?;
    }
    writeln!(out, "}}").and_then(|()| out.flush()).map_err(io_error)
}

fn csv(risk: &Risk, most: usize, out: &mut dyn Write) -> Result<()> {
    let mut csv = writer(out);
    let mut titles = vec!["of", "name", "cluster", "score", "loudest", "findings"];
    titles.extend(Kind::ALL.map(Kind::as_str));
    titles.extend(["why", "finding_ids"]);
    csv.write_record(&titles).map_err(csv_error)?;
    for (sort, scores) in sorts(risk) {
        for score in scores.iter().take(most) {
            let mut row = vec![
                sort.to_owned(),
                csv_cell(&score.name).into_owned(),
                csv_cell(&score.cluster).into_owned(),
                score.score.to_string(),
                score.loudest.to_string(),
                score.findings.to_string(),
            ];
            row.extend(Kind::ALL.map(|kind| score.points(kind).to_string()));
            row.push(csv_cell(&line(score)).into_owned());
            let ids = score.terms.first().map(|term| term.findings.join(" ")).unwrap_or_default();
            row.push(csv_cell(&ids).into_owned());
            csv.write_record(&row).map_err(csv_error)?;
        }
    }
    csv.flush().map_err(io_error)
}
