//! Bodies as an API server writes them, read in one pass without a tape: that they are JSON, where they end, and what in
//! them is to be cut or asks for a closer look.
//!
//! Most bodies are such, and most hold nothing secret. One that has anything else (a blank, a fraction, a letter beyond
//! ASCII, more depth) is left to the tape.

use std::ops::Range;

use memchr::memchr;

use super::super::redact::MANAGED_FIELDS;
use super::cursor::{first, first_odd, is_plain};

/// Deeper bodies are left to the tape.
const DEPTH_MAX: usize = 64;

/// What is found in a body.
#[derive(Default)]
pub(super) struct Found {
    /// The ranges of its `managedFields`, each with the comma that parts it from its neighbour.
    pub(super) cuts: Vec<(usize, usize)>,
    /// Where the objects begin that have a key `value`, in order.
    values: Vec<usize>,
    /// Where the objects begin that have a text `name`, and the place of that text.
    names: Vec<(usize, Range<usize>)>,
}

impl Found {
    /// The places of the names of objects that have a `value` too, as the variables of a container do.
    pub(super) fn variables(&self) -> impl Iterator<Item = Range<usize>> {
        self.names.iter().filter(|(object, _)| self.values.binary_search(object).is_ok()).map(|(_, name)| name.clone())
    }

    fn clear(&mut self) {
        self.cuts.clear();
        self.names.clear();
        self.values.clear();
    }
}

/// Reads the object at the beginning of `text`, behind which the rest of a line follows; answers its length. `None` for
/// whatever is not a plain object; `found` means nothing then.
pub(super) fn object(text: &[u8], found: &mut Found) -> Option<usize> {
    found.clear();
    if text.first() != Some(&b'{') {
        return None;
    }
    // up to the first escape, of which most bodies have none, a string ends at the next quote
    let bare = memchr(b'\\', text).unwrap_or(text.len());
    let bare = if is_plain(&text[..bare]) { bare } else { 0 };
    let mut pass = Pass { text, bare, at: 0, depth: 0, objects: 0, starts: [0; DEPTH_MAX], cut: None, found };
    while !pass.value()? {}
    let length = pass.at;
    found.values.sort_unstable();
    Some(length)
}

/// A member that is to be cut, once it is known where it ends.
#[derive(Clone, Copy)]
struct Cut {
    key: usize,
    depth: usize,
    is_first: bool,
}

struct Pass<'a, 'f> {
    text: &'a [u8],
    /// Up to here are no escapes and no bytes that strings may not have.
    bare: usize,
    at: usize,
    depth: usize,
    /// For each depth whether it is an object, the innermost in the lowest bit.
    objects: u64,
    /// Where the objects and arrays begin that are open.
    starts: [usize; DEPTH_MAX],
    cut: Option<Cut>,
    found: &'f mut Found,
}

impl Pass<'_, '_> {
    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes a value, or the beginning of one that others lie in, and all that ends with it; answers whether nothing is
    /// left.
    #[inline]
    fn value(&mut self) -> Option<bool> {
        match self.byte()? {
            b'"' => self.at = self.string_end(self.at + 1)?,
            b'{' => {
                self.open(true)?;
                if self.byte()? != b'}' {
                    self.key(true)?;
                    return Some(false);
                }
            }
            b'[' => {
                self.open(false)?;
                if self.byte()? != b']' {
                    return Some(false);
                }
            }
            b'-' | b'0'..=b'9' => self.integer()?,
            _ => {
                let rest = &self.text[self.at..];
                let word = [&b"true"[..], b"false", b"null"].into_iter().find(|word| rest.starts_with(word))?;
                self.at += word.len();
            }
        }
        self.ends()
    }

    /// Passes what follows a value, up to the next one.
    #[inline]
    fn ends(&mut self) -> Option<bool> {
        while self.depth > 0 {
            let is_object = self.objects & 1 == 1;
            match self.byte()? {
                b',' if is_object => {
                    self.at += 1;
                    self.cut_up_to(self.at, 0)?;
                    self.key(false)?;
                    return Some(false);
                }
                b',' => {
                    self.at += 1;
                    return Some(false);
                }
                b'}' if is_object => self.cut_up_to(self.at, 1)?,
                b']' if !is_object => {}
                _ => return None,
            }
            self.at += 1;
            self.depth -= 1;
            self.objects >>= 1;
        }
        Some(true)
    }

    fn open(&mut self, is_object: bool) -> Option<()> {
        *self.starts.get_mut(self.depth)? = self.at;
        self.at += 1;
        self.depth += 1;
        self.objects = self.objects << 1 | u64::from(is_object);
        Some(())
    }

    #[inline]
    fn key(&mut self, is_first: bool) -> Option<()> {
        let start = self.at;
        if self.byte()? != b'"' {
            return None;
        }
        let end = self.string_end(start + 1)?;
        match &self.text[start + 1..end - 1] {
            b"value" => self.found.values.push(self.starts[self.depth - 1]),
            b"name" if self.text[end..].starts_with(b":\"") => {
                let end_of_name = self.string_end(end + 2)?;
                self.found.names.push((self.starts[self.depth - 1], end + 2..end_of_name - 1));
            }
            key if key == MANAGED_FIELDS.as_bytes() && self.cut.is_none() => {
                self.cut = Some(Cut { key: start, depth: self.depth, is_first });
            }
            _ => {}
        }
        self.at = end;
        if self.byte()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// Ends the cut of a member of this object; the comma that goes with it is one behind it, or `before` it.
    fn cut_up_to(&mut self, end: usize, before: usize) -> Option<()> {
        let Some(cut) = self.cut.filter(|cut| cut.depth == self.depth) else { return Some(()) };
        self.cut = None;
        let start = cut.key - if cut.is_first { 0 } else { before };
        // the second of two that follow each other
        let is_apart = self.found.cuts.last().is_none_or(|(_, end)| *end <= start);
        self.found.cuts.push((start, end));
        is_apart.then_some(())
    }

    /// The offset behind the closing quote of a string of ASCII whose content begins at `at`; `None` for any other.
    #[inline]
    fn string_end(&self, mut at: usize) -> Option<usize> {
        loop {
            let word = self.text.get(at..)?.first_chunk::<8>()?;
            let odd = if at + 8 <= self.bare { first(*word, b'"') } else { first_odd(*word) };
            let Some(odd) = odd else {
                at += 8;
                continue;
            };
            at += odd;
            match self.text[at] {
                b'"' => return Some(at + 1),
                b'\\' => at = escape_end(self.text, at + 1)?,
                _ => return None,
            }
        }
    }

    /// Passes an integer of at most 18 digits.
    fn integer(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let digits = rest.strip_prefix(b"-").unwrap_or(rest);
        let count = digits.iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
        let is_plain = match digits.first()? {
            b'0' => count == 1,
            _ => (1..=18).contains(&count),
        };
        self.at += rest.len() - digits.len() + count;
        is_plain.then_some(())
    }
}

/// The offset behind an escape whose letter is at `at`.
fn escape_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = text.get(at + 1..at + 5)?;
            let is_half = matches!(digits, [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
            (digits.iter().all(u8::is_ascii_hexdigit) && !is_half).then_some(at + 5)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a body; `None` where it is left to the tape.
    fn left(body: &str) -> Option<String> {
        let line = format!("{body},\"requestReceivedTimestamp\":");
        let mut found = Found::default();
        let length = object(line.as_bytes(), &mut found)?;
        assert_eq!(length, body.len());
        let mut left = body.to_owned();
        found.cuts.iter().rev().for_each(|(start, end)| left.replace_range(*start..*end, ""));
        Some(left)
    }

    #[test]
    fn plain_objects_are_read_to_their_end() {
        for body in [
            "{}",
            r#"{"a":{},"b":[],"c":[{},[[]],null,true,false,0,-1,123456789012345678],"d":"x\n\"\\\/\u0026\u00e9"}"#,
            r#"{"a":"exactly8","b":"1234567","":""}"#,
        ] {
            assert_eq!(left(body).as_deref(), Some(body));
            assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
        }
    }

    #[test]
    fn what_is_no_json_or_not_plain_is_left_to_the_tape() {
        let deep = format!("{}{}", "{\"a\":".repeat(65), "}".repeat(65));
        for body in [
            "",
            "null",
            "[]",
            "\"a\"",
            "{",
            "{]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":[1,]}",
            "{\"a\":[1}}",
            "{\"a\":[}",
            "{\"a\":{]}",
            "{\"a\" :1}",
            "{\"a\": 1}",
            "{\"a\":01}",
            "{\"a\":-}",
            "{\"a\":1.5}",
            "{\"a\":1e3}",
            "{\"a\":1234567890123456789}",
            "{\"a\":tru}",
            "{\"a\":truee}",
            "{a:1}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"é\"}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"b}",
            "{\"a\":1 }",
            "{\"a\":1\"b\":2}",
            &deep,
        ] {
            assert_eq!(left(body), None, "{body}");
        }
    }

    #[test]
    fn managed_fields_are_found_wherever_they_stand() {
        let cases = [
            (r#"{"managedFields":[{"a":{"b":[1,2]}}],"n":1}"#, r#"{"n":1}"#),
            (r#"{"n":1,"managedFields":[],"m":2}"#, r#"{"n":1,"m":2}"#),
            (r#"{"n":1,"managedFields":{"managedFields":{},"x":1}}"#, r#"{"n":1}"#),
            (r#"{"managedFields":"x"}"#, "{}"),
            (
                r#"{"a":[{"b":{"managedFields":1}},{"managedFields":2,"c":"managedFields"}]}"#,
                r#"{"a":[{"b":{}},{"c":"managedFields"}]}"#,
            ),
        ];
        for (body, wanted) in cases {
            assert_eq!(left(body).as_deref(), Some(wanted));
        }
        assert_eq!(left(r#"{"a":1,"managedFields":1,"managedFields":2}"#), None);
        assert_eq!(left(r#"{"managedFields":1,"managedFields":2,"a":1}"#).as_deref(), Some(r#"{"a":1}"#));
    }

    #[test]
    fn variables_are_told_by_their_keys() {
        let mut found = Found::default();
        let mut told = |body: &str| {
            object(format!("{body}       ,").as_bytes(), &mut found).unwrap();
            found.variables().map(|name| body[name].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            told(r#"{"name":"A","env":[{"name":"B","x":[{}],"value":"b"},{"value":1,"name":"C"}]}"#),
            ["B", "C"]
        );
        assert!(told(r#"{"env":[{"name":"value","values":"\n"}],"value":1}"#).is_empty());
        assert!(told(r#"{"name":{"value":1}}"#).is_empty());
    }
}
