//! Sections for a terminal.

use super::super::escape::{cut, terminal};
use super::super::grid;
use super::Dossier;
use super::sections::{self, Section};
use crate::limits::{CELL_CHARS_MAX, DOSSIER_SHOWN_MAX};

/// The page, every text of the log made safe for a terminal.
pub(super) fn text(dossier: &Dossier, width: Option<u16>) -> String {
    sections(&sections::all(dossier, DOSSIER_SHOWN_MAX), width)
}

pub(super) fn sections(sections: &[Section], width: Option<u16>) -> String {
    sections.iter().map(|section| self::section(section, width)).collect::<Vec<_>>().join("\n")
}

fn section(section: &Section, width: Option<u16>) -> String {
    let mut text = format!("{}\n", safe(&section.title));
    section.lines.iter().for_each(|line| text += &wrapped(line));
    section.code.iter().for_each(|line| text += &format!("  {}\n", terminal(line)));
    if !section.rows.is_empty() {
        let rows: Vec<Vec<String>> =
            section.rows.iter().map(|row| row.iter().map(|cell| safe(cell)).collect()).collect();
        let columns: Vec<_> = section.columns.iter().map(sections::Column::grid).collect();
        let drawn = grid::draw(&columns, &rows, width.map(|width| width.saturating_sub(2)), None);
        text += &drawn.lines().map(|line| format!("  {line}\n")).collect::<String>();
    }
    if section.more > 0 {
        text += &format!("  ... {} more; --format json has all\n", section.more);
    }
    text
}

fn safe(text: &str) -> String {
    terminal(&cut(text, CELL_CHARS_MAX)).into_owned()
}

/// Running text, wrapped between words and indented.
fn wrapped(text: &str) -> String {
    grid::wrapped(&terminal(text))
}
