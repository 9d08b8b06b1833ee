//! The explanation as GitHub Markdown, for an issue or a chat.

use super::super::markdown::{code, plain, table};
use super::{Explanation, bound};
use crate::limits::EXPLAINED_REQUESTS_MAX;

/// The document; texts of the log are code spans.
pub(super) fn markdown(explanation: &Explanation<'_>) -> String {
    let mut text = summary(explanation, "#") + &reasons(explanation, "##");
    if let Some(detection) = explanation.detection {
        text += "\n## query\n\n";
        explanation.params.iter().for_each(|param| text += &format!("- {}\n", code(&bound(param))));
        let gap = if explanation.params.is_empty() { "" } else { "\n" };
        text = text + gap + &block("sql", detection.sql.trim());
    }
    text
}

/// What it is, below a heading that begins so.
pub(in crate::report) fn summary(explanation: &Explanation<'_>, level: &str) -> String {
    let finding = explanation.finding;
    let mut text = format!("{level} {}\n\n", plain(&finding.title));
    let mut facts = vec![
        ("severity", finding.severity.to_string()),
        ("detection", code(&finding.detection)),
        ("finding", code(&finding.finding_id)),
        ("who", code(&finding.actor)),
        ("what", code(&finding.object)),
        ("when", explanation.time()),
        ("requests", finding.events.to_string()),
        ("cluster", code(&finding.cluster)),
    ];
    facts.extend(explanation.suppressed.as_ref().map(|why| ("suppressed", code(why))));
    facts.retain(|(_, value)| !value.is_empty());
    facts.iter().for_each(|(name, value)| text += &format!("- {name}: {value}\n"));
    text
}

/// Its evidence, the words of its detection, the requests behind it and what to ask next, below headings that begin so.
pub(in crate::report) fn reasons(explanation: &Explanation<'_>, level: &str) -> String {
    let mut text = String::new();
    let evidence = explanation.evidence();
    if !evidence.is_empty() {
        let rows = evidence.iter().map(|(name, value)| vec![code(name), code(value)]);
        text += &format!("\n{level} evidence\n\n{}", table(&["column", "value"], rows));
    }
    for (title, lines) in explanation.words() {
        text += &format!("\n{level} {}\n\n", plain(title));
        lines.iter().for_each(|line| text += &format!("- {}\n", plain(line)));
    }
    let (titles, rows) = explanation.requests(EXPLAINED_REQUESTS_MAX);
    text += &if let Some(why) = &explanation.unread {
        format!("\n{level} the requests behind it could not be read\n\n{}\n", plain(why))
    } else {
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| code(cell)).collect()).collect();
        format!("\n{level} {}\n\n{}", explanation.shown(rows.len()), table(&titles, rows.into_iter()))
    };
    if !explanation.questions.is_empty() {
        text += &format!("\n{level} ask next\n");
        for question in &explanation.questions {
            text += &format!("\n{}\n\n{}", plain(&question.ask), block("sh", &question.command));
        }
    }
    text
}

/// A block of code, which ends at more backticks than there are in it.
pub(in crate::report) fn block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: String = text
        .lines()
        .map(|line| super::super::escape::terminal(&line.replace('\t', "  ")).into_owned() + "\n")
        .collect();
    format!("{fence}{language}\n{lines}{fence}\n")
}
