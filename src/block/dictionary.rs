//! Texts that repeat, each kept once and named by a number.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// What stands for a text in a [`Dictionary`]; 0 is NULL.
pub type Code = u32;

/// The code of a text that is not there.
pub const NULL: Code = 0;

/// What a [`Dictionary`] knows of a text that it does not hold: half of its hash.
#[derive(Debug, Clone, Copy)]
pub struct Mark(u32);

/// A code, and enough of its text's hash that neither a growing table nor most other texts look at the text itself.
#[derive(Debug, Clone, Copy)]
struct Slot {
    mark: u32,
    code: Code,
    /// Where the text lies in `bytes`.
    start: u32,
    length: u32,
}

impl Slot {
    /// A table wants a hash whose highest and lowest bits differ from text to text.
    fn hash(mark: u32) -> u64 {
        u64::from(mark).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[inline]
    fn is(&self, mark: u32, text: &[u8], bytes: &[u8]) -> bool {
        self.mark == mark && &bytes[self.start as usize..][..self.length as usize] == text
    }
}

/// Byte strings by code, numbered from 1 in the order in which they came. Seeded at random, so that nobody can choose
/// texts that collide.
#[derive(Debug, Default)]
pub struct Dictionary {
    table: HashTable<Slot>,
    hasher: RandomState,
    /// Where each text ends in `bytes`.
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

impl Dictionary {
    /// The code of a text, a new one if it was not met yet, and whether it is new.
    ///
    /// # Panics
    ///
    /// Where four billion bytes are held: whoever fills it clears it long before.
    pub fn insert(&mut self, text: &[u8]) -> (Code, bool) {
        match self.look_up(text) {
            Ok(code) => (code, false),
            Err(mark) => (self.add(mark, text), true),
        }
    }

    /// The code of a text that was met before, or else its mark, for [`Self::add`].
    #[inline]
    pub fn look_up(&self, text: &[u8]) -> Result<Code, Mark> {
        #[expect(clippy::cast_possible_truncation, reason = "half of the hash is enough")]
        let mark = self.hasher.hash_one(text) as u32;
        let is_it = |slot: &Slot| slot.is(mark, text, &self.bytes);
        self.table.find(Slot::hash(mark), is_it).map(|slot| slot.code).ok_or(Mark(mark))
    }

    /// The new code of a text that [`Self::look_up`] did not find, and that was not added since.
    ///
    /// # Panics
    ///
    /// As [`Self::insert`].
    pub fn add(&mut self, Mark(mark): Mark, text: &[u8]) -> Code {
        let Self { table, ends, bytes, .. } = self;
        let small = |size: usize| u32::try_from(size).expect("a dictionary is cleared before it holds so much");
        let slot = Slot { mark, code: small(ends.len() + 1), start: small(bytes.len()), length: small(text.len()) };
        table.insert_unique(Slot::hash(mark), slot, |slot| Slot::hash(slot.mark));
        make_room(bytes, text.len());
        bytes.extend_from_slice(text);
        ends.push(bytes.len());
        slot.code
    }

    /// As [`Self::insert`], for one who only wants the code.
    pub fn code(&mut self, text: &[u8]) -> Code {
        self.insert(text).0
    }

    /// The text of a code that this dictionary gave; nothing for [`NULL`].
    #[must_use]
    pub fn text(&self, code: Code) -> &[u8] {
        at(&self.ends, &self.bytes, code)
    }

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of memory that the texts take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * (size_of::<usize>() + 2 * size_of::<Slot>())
    }

    /// Forgets all texts; their codes mean nothing any more.
    pub fn clear(&mut self) {
        self.table.clear();
        self.ends.clear();
        self.bytes.clear();
    }
}

/// Makes room for `more` bytes in a buffer that may become large. It grows fourfold: memory that nobody touches costs
/// nothing, but each move to a larger place touches all of it anew.
pub fn make_room(buffer: &mut Vec<u8>, more: usize) {
    const LARGE_BYTES: usize = 64 << 10;
    let length = buffer.len();
    if length >= LARGE_BYTES && buffer.capacity() - length < more {
        buffer.reserve(more.max(3 * length));
    }
}

fn at<'a>(ends: &[usize], bytes: &'a [u8], code: Code) -> &'a [u8] {
    let Some(index) = (code as usize).checked_sub(1) else { return &[] };
    let start = if index == 0 { 0 } else { ends[index - 1] };
    &bytes[start..ends[index]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_code_and_every_code_its_text() {
        let mut texts = Dictionary::default();
        let codes: Vec<Code> =
            (0..1_000_u32).map(|number| texts.code(number.wrapping_mul(7).to_string().as_bytes())).collect();
        assert_eq!(codes, (1..=1_000).collect::<Vec<_>>());
        for number in 0..1_000_u32 {
            let text = number.wrapping_mul(7).to_string();
            assert_eq!(texts.insert(text.as_bytes()), (number + 1, false));
            assert_eq!(texts.text(number + 1), text.as_bytes());
        }
        assert_eq!(texts.text(NULL), b"");
    }

    #[test]
    fn the_empty_text_is_not_null() {
        let mut texts = Dictionary::default();
        assert_ne!(texts.code(b""), NULL);
        assert_eq!(texts.len(), 1);
        texts.clear();
        assert!(texts.is_empty());
        assert_eq!(texts.code(b"again"), 1);
    }
}
