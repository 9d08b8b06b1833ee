//! The report as GitHub Markdown, for an issue or a wiki: the page's twin.

use super::super::dossier::{markdown::section, sections};
use super::super::explanation::{block, reasons, summary};
use super::super::human::count;
use super::super::markdown::{Markdown, code, plain, table};
use super::super::{Format, strip};
use super::{Answer, verdict};
use crate::error::Result;
use crate::limits::DOSSIER_SHOWN_MAX;

/// The document; texts of the log are code spans.
pub(super) fn markdown(answer: &Answer<'_>) -> Result<String> {
    let mut text = format!("# {}\n", plain(&verdict::title(answer)));
    verdict::lines(answer).iter().for_each(|line| text += &format!("\n{}\n", plain(line)));
    if let Some(dossier) = &answer.dossier {
        let rotate = sections::rotate_tables(&dossier.rotate, DOSSIER_SHOWN_MAX);
        rotate.iter().filter(|one| one.has_any()).for_each(|one| text += &section(one, "\n##"));
    }
    if let Some(reading) = &answer.review {
        text += &format!("\n## a model's reading\n\n{}", reading.markdown());
    }
    text += &tactics(answer);
    let mut findings = Vec::new();
    Markdown.write(&answer.report, &mut findings)?;
    text += &format!("\n{}", deeper(&String::from_utf8_lossy(&findings)));
    if !answer.explanations.is_empty() {
        text += "\n## the loudest findings explained\n";
    }
    for explanation in &answer.explanations {
        text += &format!("\n{}{}", summary(explanation, "###"), reasons(explanation, "####"));
    }
    if let Some(dossier) = &answer.dossier {
        sections::evidence(dossier, DOSSIER_SHOWN_MAX).iter().for_each(|one| text += &section(one, "\n##"));
    }
    text += &sources(answer);
    if !answer.commands.is_empty() {
        text += &format!("\n## how to get this again\n\n{}", block("sh", &answer.commands.join("\n")));
    }
    Ok(text)
}

/// The headings of the findings one level down: each begins a line, which no text of a log can do.
fn deeper(findings: &str) -> String {
    findings.lines().map(|line| format!("{}{line}\n", if line.starts_with('#') { "#" } else { "" })).collect()
}

fn tactics(answer: &Answer<'_>) -> String {
    let mut rows = strip::tactics(answer.report.findings);
    rows.retain(|tactic| tactic.findings > 0);
    let rows = rows.iter().map(|tactic| {
        let techniques = tactic.techniques.iter().map(|(name, n)| format!("{} {n}", plain(name)));
        let loudest = tactic.loudest.map_or("", |severity| severity.as_str()).to_owned();
        vec![tactic.name.to_owned(), count(tactic.findings), loudest, techniques.collect::<Vec<_>>().join(", ")]
    });
    titled("how far it went", &["tactic", "findings", "loudest", "techniques"], rows.collect())
}

fn sources(answer: &Answer<'_>) -> String {
    let rows = answer.report.accounts.iter().take(DOSSIER_SHOWN_MAX).map(|account| {
        vec![
            code(&account.source),
            count(account.lines),
            count(account.rows),
            count(account.rejected()),
            code(&account.content_hash),
        ]
    });
    titled("what was read", &["source", "lines", "rows", "rejected", "BLAKE3"], rows.collect())
}

/// A table below its heading, where it has rows; the cells are Markdown already.
fn titled(title: &str, titles: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() { String::new() } else { format!("\n## {title}\n\n{}", table(titles, rows.into_iter())) }
}
