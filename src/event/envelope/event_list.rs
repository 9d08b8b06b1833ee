//! `audit.k8s.io/v1` `EventList` on one line of a log, as a webhook backend that logs its batches writes it. (Lists that
//! span lines are split before they get here, in `input::split`.)

use std::ops::Range;

use crate::event::document::{Document, skip_space, value_end};

/// The ranges of the items in the line, for the list whose `items` array stands at `items` on the tape.
pub(in crate::event) fn ranges(document: &Document<'_>, items: usize, line: &[u8]) -> Vec<Range<usize>> {
    let Some(field) = document.fields(0).find(|field| field.value == items) else { return Vec::new() };
    let mut at = document.value_start(&field) + 1; // after the bracket
    document
        .elements(items)
        .map(|_| {
            let start = skip_space(line, at);
            let end = value_end(line, start);
            at = skip_space(line, end) + 1; // after the comma
            start..end
        })
        .collect()
}
