//! Reading along a line that is expected to look as an API server writes it.

use memchr::{memchr, memchr2};

use super::super::document::value_end;

/// A place in a line. Every method answers `None` where the line looks otherwise, and then nobody reads on.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// What was not passed.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    /// Passes `text`, if it comes next.
    #[inline]
    pub(super) fn passes(&mut self, text: &[u8]) -> bool {
        let passes = self.rest().starts_with(text);
        if passes {
            self.at += text.len();
        }
        passes
    }

    #[inline]
    pub(super) fn pass(&mut self, text: &[u8]) -> Option<()> {
        self.passes(text).then_some(())
    }

    /// The content of a string of ASCII without escapes or control characters, whose opening quote was passed.
    #[inline]
    pub(super) fn plain_string(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let mut end = 0;
        while let Some(word) = rest.get(end..).and_then(|rest| rest.first_chunk()) {
            let odd = first_odd(*word);
            end += odd.unwrap_or(word.len());
            if odd.is_some() {
                break;
            }
        }
        // in the last bytes of the text there is no word left
        end += rest[end..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0x80.. | ..b' '))?;
        self.at += end + 1;
        (rest[end] == b'"').then(|| &rest[..end])
    }

    /// As [`Self::plain_string`], where it is of `LENGTH` bytes.
    #[inline]
    pub(super) fn plain_string_of<const LENGTH: usize>(&mut self) -> Option<&'a [u8]> {
        let (content, rest) = self.rest().split_first_chunk::<LENGTH>()?;
        let is_odd =
            |byte: u8| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\') | (byte & 0x80);
        if rest.first() != Some(&b'"') || content.iter().fold(0, |odd, byte| odd | is_odd(*byte)) != 0 {
            return None;
        }
        self.at += LENGTH + 1;
        Some(content)
    }

    /// The raw content of a string, whatever it is, escapes as they are written, whose opening quote was passed.
    #[inline]
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let mut end = 0;
        loop {
            end += memchr2(b'"', b'\\', rest.get(end..)?)?;
            if rest[end] == b'"' {
                self.at += end + 1;
                return Some(&rest[..end]);
            }
            end += 2;
        }
    }

    /// What lies before the next `byte`, the byte included.
    pub(super) fn through(&mut self, byte: u8) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = memchr(byte, rest)? + 1;
        self.at += end;
        Some(&rest[..end])
    }

    /// What lies before the next `byte`; nothing is passed.
    pub(super) fn before(&self, byte: u8) -> Option<&'a [u8]> {
        let rest = self.rest();
        Some(&rest[..memchr(byte, rest)?])
    }

    /// Passes that many bytes, which were seen.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// How much was passed.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// What lies before the next place that `finder` finds, which is not passed.
    pub(super) fn until(&mut self, finder: &memchr::memmem::Finder<'_>) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = finder.find(rest)?;
        self.at += end;
        Some(&rest[..end])
    }

    /// The object that comes next, taken by its brackets: what is in it is for others to judge.
    pub(super) fn object(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = if rest.starts_with(b"{\"metadata\":{},\"code\":") {
            21 + rest[21..].iter().position(|byte| *byte == b'}')? + 1
        } else {
            value_end(rest, 0)
        };
        self.at += end;
        Some(&rest[..end])
    }

    /// What lies before the last byte of the line.
    pub(super) fn all_but_last(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = rest.len().checked_sub(1)?;
        self.at += end;
        Some(&rest[..end])
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.line.len()
    }
}

/// Whether a text is of ASCII without control characters.
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    text.iter().fold(0, |odd, byte| odd | (byte & 0x80) | u8::from(*byte < b' ')) == 0
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// The first byte of a word that is a quote, a backslash, a control character or not ASCII.
#[inline]
pub(super) fn first_odd(word: [u8; 8]) -> Option<usize> {
    let word = u64::from_le_bytes(word);
    lowest(below(word, b' ') | is(word, b'"') | is(word, b'\\') | word)
}

/// The first byte of a word that is as asked for.
#[inline]
pub(super) fn first(word: [u8; 8], byte: u8) -> Option<usize> {
    lowest(is(u64::from_le_bytes(word), byte))
}

/// Sets the high bits of bytes below `bound`. A borrow may set that of bytes behind the first, never before it.
#[inline]
fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(bound)) & !word
}

/// As [`below`], of bytes that are as asked for.
#[inline]
fn is(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

/// The lowest byte whose high bit is set.
#[inline]
fn lowest(marks: u64) -> Option<usize> {
    let marks = marks & (ONES << 7);
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}
