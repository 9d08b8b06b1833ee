//! One parsed line: simd-json's tape beside the untouched text, so that a value's original bytes can be kept without
//! writing them anew.
//!
//! simd-json unescapes strings in place, in a copy of the line. A key on the tape therefore begins where it begins in
//! the original, and the text of a value lies between its key and the next one.

use memchr::memchr2;
use simd_json::{Buffers, INPUT_PADDING, Node, StaticNode, Tape, fill_tape_padded};

use crate::limits;

/// Reads documents one after the other, in buffers that it keeps.
pub(super) struct Reader {
    buffers: Buffers,
    tape: Tape<'static>,
    /// The copy in which simd-json unescapes strings.
    copy: Vec<u8>,
}

impl Reader {
    /// A reader of JSON that nests no deeper than `max_depth`.
    pub(super) fn new(max_depth: usize) -> Self {
        let buffers = Buffers::with_max_depth(limits::CHUNK_BYTES, max_depth);
        Self { buffers, tape: Tape(Vec::new()), copy: Vec::new() }
    }

    /// Reads `text` and gives what `use_it` makes of it.
    pub(super) fn read<T>(
        &mut self,
        text: &[u8],
        use_it: impl FnOnce(&Document<'_>) -> T,
    ) -> Result<T, simd_json::Error> {
        self.copy.clear();
        self.copy.extend_from_slice(text);
        self.copy.resize(text.len() + INPUT_PADDING, 0);
        let base = self.copy.as_ptr().addr();
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let filled = fill_tape_padded(&mut self.copy, text.len(), &mut self.buffers, &mut tape);
        let read = filled.map(|()| use_it(&Document::new(&tape.0, base, text)));
        self.tape = tape.reset();
        read
    }
}

/// A tape and the line that it was read from.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    nodes: &'a [Node<'a>],
    /// Address of the first byte of the copy that the tape borrows from.
    base: usize,
    /// The original.
    line: &'a [u8],
}

/// A key of an object with its value.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) key: &'a str,
    /// The value's position on the tape.
    pub(super) value: usize,
    /// Offset of the key's opening quote.
    key_at: usize,
    /// Offset of the next key's opening quote, if there is one.
    next_at: Option<usize>,
}

impl<'a> Document<'a> {
    pub(super) fn new(nodes: &'a [Node<'a>], base: usize, line: &'a [u8]) -> Self {
        Self { nodes, base, line }
    }

    /// The position after the value at `at`.
    pub(super) fn after(&self, at: usize) -> usize {
        match self.nodes.get(at) {
            Some(Node::Object { count, .. } | Node::Array { count, .. }) => at + count + 1,
            _ => at + 1,
        }
    }

    pub(super) fn text(&self, at: usize) -> Option<&'a str> {
        match self.nodes.get(at) {
            Some(Node::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_object(&self, at: usize) -> bool {
        matches!(self.nodes.get(at), Some(Node::Object { .. }))
    }

    pub(super) fn is_array(&self, at: usize) -> bool {
        matches!(self.nodes.get(at), Some(Node::Array { .. }))
    }

    pub(super) fn is_null(&self, at: usize) -> bool {
        matches!(self.nodes.get(at), Some(Node::Static(StaticNode::Null)))
    }

    pub(super) fn integer(&self, at: usize) -> Option<i64> {
        match self.nodes.get(at) {
            Some(Node::Static(StaticNode::I64(number))) => Some(*number),
            Some(Node::Static(StaticNode::U64(number))) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A number of any kind.
    #[expect(clippy::cast_precision_loss, reason = "an integer beyond 2^53 is no number that anyone asks for")]
    pub(super) fn number(&self, at: usize) -> Option<f64> {
        match self.nodes.get(at) {
            Some(Node::Static(StaticNode::I64(number))) => Some(*number as f64),
            Some(Node::Static(StaticNode::U64(number))) => Some(*number as f64),
            Some(Node::Static(StaticNode::F64(number))) => Some(*number),
            _ => None,
        }
    }

    /// The fields of the object at `at`; none if it is not one.
    pub(super) fn fields(&self, at: usize) -> Fields<'a> {
        let left = match self.nodes.get(at) {
            Some(Node::Object { len, .. }) => *len,
            _ => 0,
        };
        Fields { document: *self, at: at + 1, left }
    }

    /// The positions of the elements of the array at `at`; none if it is not one.
    pub(super) fn elements(&self, at: usize) -> impl Iterator<Item = usize> + use<'a> {
        let document = *self;
        let mut left = match self.nodes.get(at) {
            Some(Node::Array { len, .. }) => *len,
            _ => 0,
        };
        let mut next = at + 1;
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let element = next;
            next = document.after(element);
            Some(element)
        })
    }

    /// The texts of the elements of the array at `at`, which begins at or behind the offset `start`.
    pub(super) fn items(&self, at: usize, start: usize) -> Vec<&'a [u8]> {
        let mut at_byte = skip_space(self.line, start) + 1; // after the bracket
        let text = |_| {
            let start = skip_space(self.line, at_byte);
            let end = value_end(self.line, start);
            at_byte = skip_space(self.line, end) + 1; // after the comma
            self.line.get(start..end).unwrap_or_default()
        };
        self.elements(at).map(text).collect()
    }

    /// The original.
    pub(super) fn text_of_all(&self) -> &'a [u8] {
        self.line
    }

    /// The original text of the value of `field`.
    pub(super) fn value_of(&self, field: &Field<'_>) -> &'a [u8] {
        let start = self.value_start(field);
        self.line.get(start..value_end(self.line, start)).unwrap_or_default()
    }

    /// The value of the first field named `key` of the object at `at`.
    pub(super) fn get(&self, at: usize, key: &str) -> Option<usize> {
        self.fields(at).find(|field| field.key == key).map(|field| field.value)
    }

    /// Where `part`, a slice of the original, begins in it.
    pub(super) fn offset_of(&self, part: &str) -> usize {
        part.as_ptr().addr() - self.line.as_ptr().addr()
    }

    /// Where the opening quote of the string `text`, borrowed from the tape, lies in the original.
    fn quote_before(&self, text: &str) -> usize {
        (text.as_ptr().addr() - self.base).saturating_sub(1)
    }

    /// The range of the string `text`, with its quotes, in the original.
    pub(super) fn string_range(&self, text: &str) -> (usize, usize) {
        let start = self.quote_before(text);
        (start, string_end(self.line, start + 1))
    }

    /// Where the value of `field` begins in the original.
    pub(super) fn value_start(&self, field: &Field<'_>) -> usize {
        let colon = skip_space(self.line, string_end(self.line, field.key_at + 1));
        skip_space(self.line, colon + 1)
    }

    /// The original text of the value of `field`, whose object ends before `object_end` (the closing brace).
    pub(super) fn raw(&self, field: &Field<'_>, object_end: usize) -> &'a str {
        let start = self.value_start(field);
        let mut end = trim_space(self.line, field.next_at.unwrap_or(object_end));
        if field.next_at.is_some() {
            end = trim_space(self.line, end - 1); // the comma
        }
        text_of(self.line.get(start..end).unwrap_or_default())
    }

    /// The range of `field` with the comma that parts it from its neighbour, for cutting it out.
    pub(super) fn cut_range(&self, field: &Field<'_>) -> (usize, usize) {
        if let Some(next) = field.next_at {
            return (field.key_at, next);
        }
        let end = value_end(self.line, self.value_start(field));
        let before = trim_space(self.line, field.key_at);
        let start = if self.line.get(before.wrapping_sub(1)) == Some(&b',') { before - 1 } else { field.key_at };
        (start, end)
    }

    /// Where the object that spans the whole line has its closing brace.
    pub(super) fn closing_brace(&self) -> usize {
        trim_space(self.line, self.line.len()).saturating_sub(1)
    }

    /// Where the object that is the value of `field` has its closing brace.
    pub(super) fn closing_brace_of(&self, field: &Field<'_>, object_end: usize) -> usize {
        let start = self.value_start(field);
        start + self.raw(field, object_end).len().saturating_sub(1)
    }
}

/// The fields of one object.
pub(super) struct Fields<'a> {
    document: Document<'a>,
    at: usize,
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        self.left = self.left.checked_sub(1)?;
        let key = self.document.text(self.at)?;
        let value = self.at + 1;
        self.at = self.document.after(value);
        let next_at = if self.left == 0 { None } else { self.document.text(self.at) }
            .map(|next| self.document.quote_before(next));
        Some(Field { key, value, key_at: self.document.quote_before(key), next_at })
    }
}

/// The line was valid UTF-8 for simd-json, and ranges end at quotes, brackets or commas.
pub(super) fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The offset after the closing quote of a string whose content begins at `at`.
fn string_end(line: &[u8], mut at: usize) -> usize {
    while let Some(found) = line.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if line[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    line.len()
}

/// The offset after the JSON value that begins at `at`. The text is known to be valid JSON.
pub(super) fn value_end(line: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = line.get(at) {
        match byte {
            b'"' => {
                at = string_end(line, at + 1);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    line.len()
}

pub(super) fn skip_space(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

fn trim_space(line: &[u8], mut end: usize) -> usize {
    while end > 0 && line.get(end - 1).is_some_and(u8::is_ascii_whitespace) {
        end -= 1;
    }
    end
}
