//! Sections as GitHub Markdown, for an issue or a chat.

use super::super::explanation::block;
use super::super::markdown::{code, header, plain, row};
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
    let mut text = Vec::new();
    text.extend(format!("{level} {}\n\n", plain(&section.title)).bytes());
    for line in &section.lines {
        text.extend(format!("{}\n\n", plain(line)).bytes());
    }
    if !section.code.is_empty() {
        text.extend(block("yaml", &section.code.join("\n")).bytes());
    }
    if !section.rows.is_empty() {
        let titles: Vec<String> = section.columns.iter().map(|column| column.title.to_owned()).collect();
        // writing to memory cannot fail
        let _ = header(&mut text, &titles);
        for cells in &section.rows {
            let cells: Vec<String> = cells.iter().map(|cell| code(cell)).collect();
            let _ = row(&mut text, &cells);
        }
        if section.more > 0 {
            text.extend(format!("\n{} more rows are in the JSON document.\n", section.more).bytes());
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}
