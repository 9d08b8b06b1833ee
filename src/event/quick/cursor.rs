//! Reading along a line that is expected to look as an API server writes it.

use memchr::{memchr, memchr2};

use super::super::document::value_end;

/// A place in a line. Every method answers `None` where the line looks otherwise, and then nobody reads on.
pub(super) struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
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
        let end = memchr2(b'"', b'\\', rest)?;
        self.at += end + 1;
        let content = &rest[..end];
        (rest[end] == b'"' && is_plain(content)).then_some(content)
    }

    /// As [`Self::plain_string`], where it is of `LENGTH` bytes.
    #[inline]
    pub(super) fn plain_string_of<const LENGTH: usize>(&mut self) -> Option<&'a [u8]> {
        let (content, rest) = self.rest().split_first_chunk::<LENGTH>()?;
        if rest.first() != Some(&b'"') || memchr2(b'"', b'\\', content).is_some() || !is_plain(content) {
            return None;
        }
        self.at += LENGTH + 1;
        Some(content)
    }

    /// As [`Self::plain_string`], where it is short.
    #[inline]
    pub(super) fn plain_word(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0x80.. | ..b' '))?;
        self.at += end + 1;
        (rest[end] == b'"').then(|| &rest[..end])
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
