//! What was concluded from a piece of text that comes again and again: a user, a URI, an answer.

use super::super::document::{Document, Reader};
use super::super::parse::{self, Event};
use crate::block::Dictionary;
use crate::limits;

/// Conclusions by the raw text that they were drawn from.
pub(super) struct Memo<T> {
    texts: Dictionary,
    known: Vec<T>,
}

impl<T: Copy> Memo<T> {
    pub(super) fn new() -> Self {
        Self { texts: Dictionary::default(), known: Vec::new() }
    }

    /// What is known of `text`, or what `conclude` says of it the first time. `None` is not remembered.
    #[inline]
    pub(super) fn of(&mut self, text: &[u8], conclude: impl FnOnce() -> Option<T>) -> Option<T> {
        match self.texts.look_up(text) {
            Ok(code) => self.known.get(code as usize - 1).copied(),
            Err(mark) => {
                let concluded = conclude()?;
                self.texts.add(mark, text);
                self.known.push(concluded);
                Some(concluded)
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.texts.bytes() + self.known.len() * size_of::<T>()
    }
}

/// A second reader, for pieces of a line: each piece is read as if it were the only field of an event, by the same code
/// that reads whole events.
pub(super) struct Piece {
    reader: Reader,
    text: Vec<u8>,
}

impl Piece {
    pub(super) fn new() -> Self {
        // a body lies one level deeper in its event than it does alone
        Self { reader: Reader::new(limits::JSON_DEPTH_MAX - 1), text: Vec::new() }
    }

    /// Reads `{KEY VALUE END}` as an event and tells `use_it` the event that has this field only; `None` where it is not as
    /// Kubernetes writes it, so that the whole line must be looked at.
    pub(super) fn event<T>(
        &mut self,
        (key, value, end): (&[u8], &[u8], &[u8]),
        use_it: impl FnOnce(&Event<'_>) -> Option<T>,
    ) -> Option<T> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        [b"{", key, value, end, b"}"].into_iter().for_each(|piece| text.extend_from_slice(piece));
        let found = self.document(&text, |document| {
            // what was taken for one value may be a value and further keys
            let is_one = document.fields(0).count() == 1;
            let event = parse::fields(document).ok().filter(|event| is_one && event.extra.is_empty())?;
            use_it(&event)
        });
        self.text = text;
        found
    }

    /// Reads JSON and tells `use_it` the document; `None` where it is no JSON.
    pub(super) fn document<T>(&mut self, text: &[u8], use_it: impl FnOnce(&Document<'_>) -> Option<T>) -> Option<T> {
        self.reader.read(text, use_it).ok().flatten()
    }
}
