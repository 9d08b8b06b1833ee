//! From JSON documents that span lines to one event per line.
//!
//! Webhook dumps and exports hold `EventList` documents, pretty-printed or on one line of any length, arrays of events,
//! or events over many lines; answers of log stores hold their lists in other members ([`LISTS`]). [`ItemReader`] turns
//! such a stream into NDJSON: one line for each element of such a list, each element of a top-level array, or each
//! top-level object without such a list. It is a state machine over bytes, not a parser: what is not JSON comes out as
//! lines that the parser rejects, so nothing vanishes silently.

use std::io::{self, Read};

use memchr::{memchr, memchr3};

use crate::limits;

const BLOCK_BYTES: usize = 64 << 10;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A step into a document: to the member of an object, or to every element of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Key(&'static [u8]),
    Each,
}

/// Where lists stand that may be longer than one line could be, from the top. What tells their elements apart must stand
/// in the elements: the members beside a list are dropped.
const LISTS: [&[Step]; 9] = [
    &[Step::Key(b"items")],
    &[Step::Key(b"Items")],
    &[Step::Key(b"records")],
    &[Step::Key(b"events")],
    &[Step::Key(b"results")],
    &[Step::Key(b"resourceLogs")],
    &[Step::Key(b"hits"), Step::Key(b"hits")],
    &[Step::Key(b"streams"), Step::Each, Step::Key(b"values")],
    &[Step::Key(b"data"), Step::Key(b"result"), Step::Each, Step::Key(b"values")],
];
/// The depth up to which lists stand.
const LIST_DEPTH_MAX: usize = 4;
/// Members of wrappers that are written one behind the other, or hold lists: one that is longer than what is looked at
/// is no line among others.
const WRAPPERS: [&[u8]; 11] = [
    b"Items",
    b"records",
    b"events",
    b"results",
    b"resourceLogs",
    b"hits",
    b"streams",
    b"data",
    b"messageType",
    b"logEvents",
    b"protoPayload",
];

/// Whether a source that begins with `head` (up to [`limits::SNIFF_BYTES`]) is not one event per line, and so needs an
/// [`ItemReader`].
///
/// So are arrays, `EventList` documents, objects that span lines, and objects one behind the other without a line break
/// between them. An object that names its `auditID` before the first line break is an event on a line, however long. A
/// wrapper that does not end within the head is split too, since nobody knows whether it is as long as its file.
#[must_use]
pub fn wants_splitting(head: &[u8]) -> bool {
    let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    match text.first() {
        Some(b'[') => true,
        Some(b'{') => object_wants_splitting(text),
        _ => false,
    }
}

fn object_wants_splitting(text: &[u8]) -> bool {
    let (mut depth, mut at, mut spans_lines, mut is_wrapper) = (0_usize, 0, false, false);
    // the byte before, blanks aside, and the last key, both at depth 1
    let (mut before, mut key) = (b' ', &b""[..]);
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b' ' | b'\t' | b'\r' => continue,
            b'\n' if depth == 0 => return spans_lines,
            b'\n' => {
                spans_lines = true;
                continue;
            }
            _ if depth == 0 && at > 1 => return spans_lines || matches!(byte, b'{' | b'['),
            b'"' => {
                let Some(string) = string_at(&text[at..]) else {
                    let is_torn = memchr(b'\n', &text[at..]).is_some();
                    return spans_lines || is_wrapper && !is_torn;
                };
                at += string.len() + 1;
                if depth == 1 && matches!(before, b'{' | b',') {
                    key = string;
                    if key == b"auditID" {
                        return spans_lines;
                    }
                    is_wrapper |= WRAPPERS.contains(&key);
                } else if depth == 1 && key == b"kind" && string == b"EventList" {
                    return true;
                }
            }
            b'[' if depth == 1 && key == b"items" => return true,
            // no key: a line that was torn, and the next line
            b'{' if depth == 1 && matches!(before, b'{' | b',') => return false,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth <= 1 {
            before = byte;
        }
    }
    spans_lines || is_wrapper
}

/// The content of a string, whose opening quote lies before `text`; `None` where it does not end, or not on its line.
fn string_at(text: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        at += memchr3(b'"', b'\\', b'\n', &text[at..])?;
        match text[at] {
            b'"' => return Some(&text[..at]),
            b'\\' => at += 2,
            _ => return None,
        }
        if at > text.len() {
            return None;
        }
    }
}

/// Turns a stream of JSON documents into NDJSON.
///
/// - White space outside strings is removed; nothing else of an item changes.
/// - Until a top-level object ends, nobody knows whether it has a list: it is held back, up to
///   [`limits::LINE_BYTES_MAX`]. A longer one is given out as the one line that it then is, and rejected as too long.
///   Items of a list are given out as they come. Members beside a list are dropped.
/// - No string holds a raw line break. One that does was torn by a crash: the item ends there as it is, and the next
///   line begins a new document.
/// - An item that is cut off by the end of the stream is given out as it is, without a `\n`.
pub struct ItemReader<R> {
    inner: R,
    block: Vec<u8>,
    splitter: Splitter,
    /// How much of the splitter's ready bytes was read.
    at: usize,
    ended: bool,
}

impl<R: Read> ItemReader<R> {
    /// Splits what `inner` gives.
    pub fn new(inner: R) -> Self {
        Self { inner, block: vec![0; BLOCK_BYTES], splitter: Splitter::new(), at: 0, ended: false }
    }

    /// Whether the stream ended within a document, once it was read to its end.
    pub fn ended_inside(&self) -> bool {
        !matches!(self.splitter.place, Place::Between | Place::Junk)
    }

    /// What is read from.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }
}

impl<R: Read> Read for ItemReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.splitter.ready.len() && !self.ended {
            self.splitter.ready.clear();
            self.at = 0;
            let n = self.inner.read(&mut self.block)?;
            if n == 0 {
                self.ended = true;
                self.splitter.finish();
            } else {
                self.splitter.feed(&self.block[..n]);
            }
        }
        let ready = &self.splitter.ready[self.at..];
        let n = into.len().min(ready.len());
        into[..n].copy_from_slice(&ready[..n]);
        self.at += n;
        Ok(n)
    }
}

/// Where in a document the splitter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between documents.
    Between,
    /// In text that is no document, up to the end of its line.
    Junk,
    /// In a top-level object, which is held back because it may have a list.
    Object,
    /// In a top-level object that is too long to be held back.
    Long,
    /// Between the elements of a list.
    List,
    /// In an element of a list.
    Item,
}

/// Some of [`LISTS`], by their numbers.
type Ways = u16;

/// What was just read of a held object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Key {
    #[default]
    Other,
    /// A string that is a key on these ways, if a colon follows.
    Name(Ways),
    /// That string and a colon.
    Colon(Ways),
}

/// What the last byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// Punctuation, or the end of a string.
    Sign,
    /// A number or a word.
    Word,
    /// Blanks after a number or a word.
    Gap,
    /// A string that is open.
    String,
    /// A backslash in it, which escapes the next byte.
    Escape,
}

struct Splitter {
    place: Place,
    /// Open braces and brackets of the document.
    depth: usize,
    /// Those outside the elements of the list.
    list_depth: usize,
    token: Token,
    key: Key,
    /// For each depth, the lists that may stand below what is open there.
    ways: [Ways; LIST_DEPTH_MAX + 1],
    /// Where in `held` the last string begins.
    string_start: usize,
    /// Whether the object had a list, so that its other members are dropped.
    listed: bool,
    held: Vec<u8>,
    ready: Vec<u8>,
    held_bytes_max: usize,
}

impl Splitter {
    fn new() -> Self {
        Self {
            place: Place::Between,
            depth: 0,
            list_depth: 0,
            token: Token::Sign,
            key: Key::Other,
            ways: [0; LIST_DEPTH_MAX + 1],
            string_start: 0,
            listed: false,
            held: Vec::new(),
            ready: Vec::new(),
            held_bytes_max: limits::LINE_BYTES_MAX,
        }
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(&first) = bytes.first() {
            let used = if matches!(self.token, Token::String | Token::Escape) {
                self.string(bytes)
            } else if self.place == Place::Junk {
                self.junk(bytes)
            } else {
                self.structure(first);
                1
            };
            bytes = &bytes[used..];
        }
        if self.place == Place::Object && self.held.len() > self.held_bytes_max {
            if self.listed {
                self.held.clear();
                self.string_start = usize::MAX;
            } else {
                self.ready.append(&mut self.held);
                self.place = Place::Long;
            }
        }
    }

    /// The stream is over: what is incomplete goes out as it is.
    fn finish(&mut self) {
        self.ready.append(&mut self.held);
    }

    fn copy(&mut self, bytes: &[u8]) {
        let to = if self.place == Place::Object { &mut self.held } else { &mut self.ready };
        to.extend_from_slice(bytes);
    }

    fn push(&mut self, byte: u8) {
        let to = if self.place == Place::Object { &mut self.held } else { &mut self.ready };
        to.push(byte);
    }

    /// Takes the bytes of a string, its closing quote included; says how many.
    fn string(&mut self, bytes: &[u8]) -> usize {
        if self.token == Token::Escape && bytes[0] != b'\n' {
            self.token = Token::String;
            self.push(bytes[0]);
            return 1;
        }
        let Some(at) = memchr3(b'"', b'\\', b'\n', bytes) else {
            self.copy(bytes);
            return bytes.len();
        };
        if bytes[at] == b'\n' {
            self.copy(&bytes[..at]);
            self.torn();
            return at + 1;
        }
        self.copy(&bytes[..=at]);
        if bytes[at] == b'\\' {
            self.token = Token::Escape;
        } else {
            self.token = Token::Sign;
            if self.place == Place::Object {
                self.key = Key::Name(self.named());
            }
        }
        at + 1
    }

    /// The lists on whose way the string is that just ended, were it a key.
    fn named(&self) -> Ways {
        let Some([b'"', name @ .., b'"']) = self.held.get(self.string_start..) else { return 0 };
        self.below(|step| matches!(step, Step::Key(key) if key == name))
    }

    /// The lists whose way goes on from the innermost open object or array by a step that `is_it`.
    fn below(&self, is_it: impl Fn(Step) -> bool) -> Ways {
        let Some(ways) = self.ways.get(self.depth).filter(|ways| **ways != 0) else { return 0 };
        let goes_on =
            |list: &usize| ways & (1 << list) != 0 && LISTS[*list].get(self.depth - 1).is_some_and(|s| is_it(*s));
        (0..LISTS.len()).filter(goes_on).fold(0, |found, list| found | 1 << list)
    }

    /// The lists on whose way the object or array is that begins here.
    fn ways_of_value(&self, key: Key) -> Ways {
        match key {
            _ if self.place != Place::Object => 0,
            Key::Colon(ways) => ways,
            _ if self.depth == 0 => !0,
            _ => self.below(|step| step == Step::Each),
        }
    }

    /// Takes an opening brace or bracket; whether a list begins.
    fn open(&mut self, byte: u8, key: Key) -> bool {
        let ways = self.ways_of_value(key);
        let ends_here = |list: usize| ways & (1 << list) != 0 && LISTS[list].len() == self.depth;
        if byte == b'[' && self.depth > 0 && (0..LISTS.len()).any(ends_here) && self.may_list() {
            self.held.clear();
            self.listed = true;
            self.place = Place::List;
            self.depth += 1;
            self.list_depth = self.depth;
            return true;
        }
        self.depth += 1;
        if let Some(place) = self.ways.get_mut(self.depth) {
            *place = ways;
        }
        self.push(byte);
        false
    }

    fn junk(&mut self, bytes: &[u8]) -> usize {
        let used = memchr(b'\n', bytes).map_or(bytes.len(), |newline| {
            self.place = Place::Between;
            newline + 1
        });
        self.ready.extend_from_slice(&bytes[..used]);
        used
    }

    /// Takes a byte outside strings.
    fn structure(&mut self, byte: u8) {
        match self.place {
            Place::Between => self.between(byte),
            Place::List => self.in_list(byte),
            _ => self.inside(byte),
        }
    }

    fn between(&mut self, byte: u8) {
        match byte {
            // blanks, and byte order marks, also where files were joined
            b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xef | 0xbb | 0xbf => {}
            b'{' => {
                self.place = Place::Object;
                self.depth = 0;
                self.listed = false;
                self.inside(byte);
            }
            b'[' => {
                self.place = Place::List;
                self.depth = 1;
                self.list_depth = 1;
            }
            _ => {
                self.place = Place::Junk;
                self.push(byte);
            }
        }
    }

    fn in_list(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {}
            b']' => self.end_list(),
            _ => {
                self.place = Place::Item;
                self.token = Token::Sign;
                self.inside(byte);
            }
        }
    }

    /// Takes a byte outside strings of an object or an item.
    fn inside(&mut self, byte: u8) {
        let key = std::mem::take(&mut self.key);
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                self.key = key;
                if self.token == Token::Word {
                    self.token = Token::Gap;
                }
                return;
            }
            b'"' => {
                if self.listed {
                    // what is dropped in the end needs to be held only as far as it may be a key
                    self.held.clear();
                }
                self.string_start = self.held.len();
                self.push(byte);
            }
            b'{' | b'[' => {
                if self.open(byte, key) {
                    self.token = Token::Sign;
                    return;
                }
            }
            b'}' | b']' => self.close(byte),
            b',' if self.place == Place::Item && self.depth == self.list_depth => self.end_item(),
            b',' => self.push(byte),
            b':' => {
                if let Key::Name(ways) = key {
                    self.key = Key::Colon(ways);
                }
                self.push(byte);
            }
            _ => {
                // `1 2` is no JSON and must not become 12
                if self.token == Token::Gap {
                    self.push(b' ');
                }
                self.push(byte);
            }
        }
        self.token = match byte {
            b'"' => Token::String,
            b'[' | b'{' | b'}' | b']' | b',' | b':' => Token::Sign,
            _ => Token::Word,
        };
    }

    /// Whether a list may still begin: not in an object that [`Self::feed`] takes for too long, wherever its
    /// blocks end.
    fn may_list(&self) -> bool {
        self.place == Place::Object && (self.listed || self.held.len() <= self.held_bytes_max)
    }

    fn close(&mut self, byte: u8) {
        if self.place == Place::Item && self.depth == self.list_depth {
            if byte == b']' {
                self.end_item();
                self.end_list();
            } else {
                self.push(byte);
            }
            return;
        }
        self.push(byte);
        self.depth -= 1;
        if self.place == Place::Item {
            if self.depth == self.list_depth {
                self.end_item();
            }
        } else if self.depth == 0 {
            self.end_document();
        }
    }

    fn end_item(&mut self) {
        self.ready.push(b'\n');
        self.place = Place::List;
    }

    fn end_list(&mut self) {
        self.depth -= 1;
        self.place = if self.depth == 0 { Place::Between } else { Place::Object };
    }

    fn end_document(&mut self) {
        if self.listed {
            self.held.clear();
        } else {
            self.ready.append(&mut self.held);
            self.ready.push(b'\n');
        }
        self.place = Place::Between;
    }

    fn torn(&mut self) {
        self.ready.append(&mut self.held);
        self.ready.push(b'\n');
        self.token = Token::Sign;
        self.place = Place::Between;
    }
}

#[cfg(test)]
mod tests;
