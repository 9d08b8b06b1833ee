//! The explanation for a terminal.

use super::super::escape::{cut, terminal};
use super::super::grid::{self, Column};
use super::super::human;
use super::{Explanation, bound};
use crate::limits::{CELL_CHARS_MAX, EXPLAINED_REQUESTS_MAX};

/// The page, every text of the log made safe for a terminal.
pub(super) fn text(explanation: &Explanation<'_>, width: Option<u16>) -> String {
    let finding = explanation.finding;
    let mut page = format!(
        "{}\n{} · {} · finding {}\n\n",
        safe(&finding.title),
        finding.severity,
        safe(&finding.detection),
        safe(&finding.finding_id)
    );
    let mut facts = vec![
        ("who", finding.actor.clone()),
        ("what", finding.object.clone()),
        ("when", explanation.time()),
        ("requests", human::count(u64::try_from(finding.events).unwrap_or(0))),
        ("cluster", finding.cluster.clone()),
    ];
    facts.extend(explanation.suppressed.clone().map(|why| ("suppressed", why)));
    facts.retain(|(_, value)| !value.is_empty());
    page += &pairs(facts.iter().map(|(name, value)| (*name, value.as_str())));
    let evidence = explanation.evidence();
    if !evidence.is_empty() {
        page += &format!("\nevidence\n{}", pairs(evidence.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
    }
    for (title, lines) in explanation.words() {
        page += &format!("\n{title}\n");
        lines.iter().for_each(|line| page += &wrapped(line));
    }
    page += &requests(explanation, width);
    if !explanation.questions.is_empty() {
        page += "\nask next\n";
        for question in &explanation.questions {
            page += &format!("  {}\n  {}\n", safe(&question.ask), terminal(&question.command));
        }
    }
    page + &query(explanation)
}

fn requests(explanation: &Explanation<'_>, width: Option<u16>) -> String {
    if let Some(why) = &explanation.unread {
        return format!("\nthe requests behind it could not be read\n{}", wrapped(why));
    }
    let (titles, rows) = explanation.requests(EXPLAINED_REQUESTS_MAX);
    if rows.is_empty() {
        return "\nnone of the requests behind it is in the lake, or in the time that was asked for\n".to_owned();
    }
    let columns: Vec<Column> = titles
        .iter()
        .map(|title| Column {
            title: (*title).to_owned(),
            weight: match *title {
                "actor" | "object" => 3,
                "agent" => 2,
                "what" => 1,
                _ => 0,
            },
            ends: *title != "agent",
            right: *title == "answer",
        })
        .collect();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| safe(cell)).collect()).collect();
    let grid = grid::draw(&columns, &rows, width.map(|width| width.saturating_sub(2)), None);
    format!("\n{}\n{}", explanation.shown(rows.len()), indented(&grid))
}

/// The query and what it was bound to.
fn query(explanation: &Explanation<'_>) -> String {
    let Some(detection) = explanation.detection else {
        return "\nthe detection is not in this pack: add --rules or --pack to see its words and its query\n"
            .to_owned();
    };
    let mut text = "\nquery\n".to_owned();
    explanation.params.iter().for_each(|param| text += &format!("  {}\n", bound(param)));
    let gap = if explanation.params.is_empty() { "" } else { "\n" };
    let sql: String =
        detection.sql.trim().lines().map(|line| format!("  {}\n", terminal(&line.replace('\t', "  ")))).collect();
    text + gap + &sql
}

fn safe(text: &str) -> String {
    terminal(&cut(text, CELL_CHARS_MAX)).into_owned()
}

/// Names and values, aligned.
fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<_> = pairs.map(|(name, value)| (safe(name), safe(value))).collect();
    let longest = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let name_width = longest.min(32);
    pairs.iter().map(|(name, value)| format!("  {name:<name_width$}  {value}\n")).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Running text, wrapped between words and indented.
fn wrapped(text: &str) -> String {
    grid::wrapped(&safe(text))
}
