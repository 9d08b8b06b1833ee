//! Sections as GitHub Markdown, for an issue or a chat.

use super::super::explanation::block;
use super::super::markdown::{code, plain, table};
use super::Dossier;
use super::sections::{self, Section};
use crate::limits::DOSSIER_SHOWN_MAX;

/// The document; texts of the log are code spans.
pub(super) fn markdown(dossier: &Dossier) -> String {
    let sections = sections::all(dossier, DOSSIER_SHOWN_MAX);
    let Some((first, rest)) = sections.split_first() else { return String::new() };
    self::section(first, "#") + &rest.iter().map(|one| section(one, "\n##")).collect::<String>()
}

/// A section below a heading that begins so.
pub(in crate::report) fn section(section: &Section, level: &str) -> String {
    let mut text = format!("{level} {}\n\n", plain(&section.title));
    section.lines.iter().for_each(|line| text += &format!("{}\n\n", plain(line)));
    if !section.code.is_empty() {
        text += &block("yaml", &section.code.join("\n"));
    }
    if !section.rows.is_empty() {
        let titles: Vec<&str> = section.columns.iter().map(|column| column.title).collect();
        text += &table(&titles, section.rows.iter().map(|cells| cells.iter().map(|cell| code(cell)).collect()));
        if section.more > 0 {
            text += &format!("\n{} more rows are in the JSON document.\n", section.more);
        }
    }
    text
}
