//! Texts that repeat, each kept once and named by a number.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// What stands for a text in a [`Dictionary`]; 0 is NULL.
pub type Code = u32;

/// The code of a text that is not there.
pub const NULL: Code = 0;

/// Byte strings by code, numbered from 1 in the order in which they came. Seeded at random, so that nobody can choose
/// texts that collide.
#[derive(Debug, Default)]
pub struct Dictionary {
    table: HashTable<Code>,
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
    /// Where four billion texts are held: whoever fills it clears it long before.
    pub fn insert(&mut self, text: &[u8]) -> (Code, bool) {
        let Self { table, hasher, ends, bytes } = self;
        let at = |code: Code| at(ends, bytes, code);
        let entry = table.entry(hasher.hash_one(text), |code| at(*code) == text, |code| hasher.hash_one(at(*code)));
        match entry {
            Entry::Occupied(found) => (*found.get(), false),
            Entry::Vacant(free) => {
                let code = Code::try_from(ends.len() + 1).expect("a dictionary is cleared before it holds so many");
                free.insert(code);
                bytes.extend_from_slice(text);
                ends.push(bytes.len());
                (code, true)
            }
        }
    }

    /// The code of a text that was met before.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Option<Code> {
        let is_it = |code: &Code| at(&self.ends, &self.bytes, *code) == text;
        self.table.find(self.hasher.hash_one(text), is_it).copied()
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
        self.bytes.len() + self.ends.len() * (size_of::<usize>() + 2 * size_of::<Code>())
    }

    /// Forgets all texts; their codes mean nothing any more.
    pub fn clear(&mut self) {
        self.table.clear();
        self.ends.clear();
        self.bytes.clear();
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
