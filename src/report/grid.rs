//! A grid of text on a terminal: one line a row, cut to a width, no frame. Cells come escaped.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, Table, Width};

/// Spaces between columns.
const GAP: usize = 2;

/// Columns that running text takes, whatever room there is.
const PROSE: usize = 96;

/// A column of a grid.
pub(super) struct Column {
    pub(super) title: String,
    /// The share of the room that the column may claim when there is too little; 0: it is never cut.
    pub(super) weight: usize,
    /// Whether both ends of its cells matter, so that the middle is cut; else the end is.
    pub(super) ends: bool,
    /// Whether it holds numbers.
    pub(super) right: bool,
}

/// Running text, escaped already, wrapped between words and indented; its further lines are indented more.
pub(super) fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= PROSE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let indent = |index| if index == 0 { "  " } else { "    " };
    lines.iter().enumerate().map(|(index, line)| format!("{}{line}\n", indent(index))).collect()
}

/// Draws the grid. `width` is the terminal's in columns, `None` cuts nothing; `paint` gives the first cell of a row its
/// colour, `None` leaves every escape sequence out.
pub(super) fn draw(
    columns: &[Column],
    rows: &[Vec<String>],
    width: Option<u16>,
    paint: Option<fn(&str) -> Option<Color>>,
) -> String {
    let widths = widths(columns, rows, width);
    let mut table = Table::new();
    // a header rule and nothing else
    table.load_preset("     ─              ").set_truncation_indicator("…");
    // no character that an escaped cell can hold, so that a long cell is cut where it is too long and not at a space
    table.set_delimiter('\0');
    if paint.is_some() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let bold = |column: &Column| Cell::new(&column.title).add_attribute(Attribute::Bold);
    table.set_header(columns.iter().map(bold));
    for row in rows {
        let cells = row.iter().zip(columns).zip(&widths);
        let mut cells: Vec<_> = cells
            .map(|((text, column), width)| if column.ends { middle_cut(text, *width) } else { text.clone() })
            .map(Cell::new)
            .collect();
        if let (Some(first), Some(color)) = (cells.first_mut(), paint.zip(row.first()).and_then(|(f, text)| f(text))) {
            *first = first.clone().fg(color).add_attribute(Attribute::Bold);
        }
        table.add_row(cells);
        if let Some(row) = table.row_mut(table.row_count() - 1) {
            row.max_height(1);
        }
    }
    let last = columns.len().saturating_sub(1);
    for (index, (column, width)) in columns.iter().zip(&widths).enumerate() {
        let Some(shown) = table.column_mut(index) else { continue };
        let gap = if index == last { 0 } else { GAP };
        // what is too long is cut at its end, as are wide characters (CJK), which count double; the gap counts in
        let width = u16::try_from((*width).max(1) + gap).unwrap_or(u16::MAX);
        shown
            .set_padding((0, u16::try_from(gap).unwrap_or(0)))
            .set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        if column.right {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// The width of each column: what its longest cell needs, or its share of the room where there is too little.
fn widths(columns: &[Column], rows: &[Vec<String>], width: Option<u16>) -> Vec<usize> {
    let longest = |index: usize| rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count()).max();
    let natural = columns.iter().enumerate();
    let mut widths: Vec<_> =
        natural.map(|(index, column)| longest(index).unwrap_or(0).max(column.title.chars().count())).collect();
    let Some(width) = width else { return widths };
    let gaps = GAP * columns.len().saturating_sub(1);
    let fixed: usize =
        columns.iter().zip(&widths).filter(|(column, _)| column.weight == 0).map(|(_, width)| width).sum();
    let mut room = usize::from(width).saturating_sub(gaps + fixed);
    let mut open: Vec<usize> = (0..columns.len()).filter(|index| columns[*index].weight > 0).collect();
    // whoever needs less than its share takes what it needs and leaves the rest to the others
    loop {
        let weights: usize = open.iter().map(|index| columns[*index].weight).sum();
        let share = |index: usize| room * columns[index].weight / weights.max(1);
        let (content, cut): (Vec<_>, Vec<_>) = open.iter().partition(|index| widths[**index] <= share(**index));
        if content.is_empty() {
            for index in cut {
                widths[index] = share(index).max(columns[index].title.chars().count());
            }
            return widths;
        }
        room -= content.iter().map(|index| widths[*index]).sum::<usize>();
        open = cut;
    }
}

/// At most `width` characters, cut in the middle: names of Kubernetes differ at both ends.
fn middle_cut(text: &str, width: usize) -> String {
    let chars = text.chars().count();
    if chars <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let tail = kept / 2;
    let head = text.chars().take(kept - tail);
    head.chain(['…']).chain(text.chars().skip(chars - tail)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(weights: [usize; 3]) -> Vec<Column> {
        let titles = ["A", "B", "C"].into_iter().zip(weights);
        titles
            .map(|(title, weight)| Column { title: title.to_owned(), weight, ends: weight > 1, right: false })
            .collect()
    }

    fn row(lengths: [usize; 3]) -> Vec<Vec<String>> {
        vec![lengths.map(|length| "x".repeat(length)).to_vec()]
    }

    #[test]
    fn short_columns_leave_their_room_to_long_ones() {
        assert_eq!(widths(&columns([0, 1, 1]), &row([5, 6, 100]), Some(60)), [5, 6, 45]);
        assert_eq!(widths(&columns([0, 1, 1]), &row([5, 60, 100]), Some(59)), [5, 25, 25]);
        assert_eq!(widths(&columns([0, 1, 3]), &row([5, 60, 100]), Some(49)), [5, 10, 30]);
        assert_eq!(widths(&columns([1, 1, 1]), &row([5, 60, 100]), None), [5, 60, 100]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut rows = row([5, 60, 100]);
        rows.push(vec!["日本語".repeat(9), "日本語".repeat(30), String::new()]);
        let text = draw(&columns([1, 1, 1]), &rows, Some(40), None);
        assert_eq!(text.lines().count(), 4, "{text}");
        for line in text.lines() {
            let wide = line.chars().map(|c| if c > '\u{3000}' { 2 } else { 1 }).sum::<usize>();
            assert!(wide <= 40, "{wide}: {line}");
        }
    }

    #[test]
    fn names_keep_both_ends() {
        assert_eq!(middle_cut("system:serviceaccount:prod:ci", 15), "system:…prod:ci");
        assert_eq!(middle_cut("short", 5), "short");
        assert_eq!(middle_cut("short", 0), "…");
    }
}
