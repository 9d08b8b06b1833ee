//! What was concluded from a piece of text that comes again and again: a user, a URI, an answer.

use hashbrown::HashTable;
use twox_hash::xxhash3_128::{DEFAULT_SECRET_LENGTH, Hasher};

use super::super::document::{Document, Reader};
use super::super::parse::{self, Event};
use crate::limits;

/// Conclusions by the raw text that they were drawn from.
///
/// Of a text only its hash is kept, of 128 bits and keyed at random: to compare the text itself, most of a line, takes
/// longer than to hash it, since it has long left the cache. That two texts of one run have the same hash is less likely
/// than a fault of the memory that they lie in, and nobody who does not know the key can choose such texts.
pub(super) struct Memo<T> {
    known: HashTable<(u128, T)>,
    key: [u8; DEFAULT_SECRET_LENGTH],
}

impl<T: Copy> Memo<T> {
    pub(super) fn new() -> Self {
        let mut key = [0; DEFAULT_SECRET_LENGTH];
        rand::fill(&mut key);
        Self { known: HashTable::new(), key }
    }

    /// What is known of `text`, or what `conclude` says of it the first time. `None` is not remembered.
    #[inline]
    pub(super) fn of(&mut self, text: &[u8], conclude: impl FnOnce() -> Option<T>) -> Option<T> {
        let hash = Hasher::oneshot_with_secret(&self.key, text).ok()?;
        if let Some((_, known)) = self.known.find(place(hash), |(other, _)| *other == hash) {
            return Some(*known);
        }
        let concluded = conclude()?;
        self.known.insert_unique(place(hash), (hash, concluded), |(hash, _)| place(*hash));
        Some(concluded)
    }

    pub(super) fn bytes(&self) -> usize {
        self.known.len() * 2 * size_of::<(u128, T)>()
    }

    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}

/// Where a hash stands in a table.
#[expect(clippy::cast_possible_truncation, reason = "half of the hash is enough")]
fn place(hash: u128) -> u64 {
    hash as u64
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
