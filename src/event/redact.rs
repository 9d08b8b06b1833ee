//! Redaction: secret values are taken out before a row is built, so that they reach neither the lake nor a message.
//!
//! What stays is a keyed fingerprint and a length (`redacted hmac=… len=…`), so that "the same value was read twice" can
//! still be asked while nobody without the lake's key can try values. Two ways lead to a value: where it stands (the
//! data of a Secret, the token of a TokenRequest) and what it looks like (a JWT, a PEM block, a cloud key).

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, packed};
use hmac::{Hmac, KeyInit, Mac};
use memchr::memmem::Finder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Captures, Regex};
use sha2::Sha256;

use super::derive::decode_query;
use super::document::{Document, Field};
use super::parse::{Body, Object};

/// Takes secret values out of text. Cheap to use, dear to make: one for each worker.
pub struct Redactor {
    key: [u8; 32],
    /// Words one of which stands in every text that needs a closer look.
    marks: Marks,
    /// Those of them one of which stands in whatever `shapes` matches.
    shape_marks: Marks,
    /// How an escape begins that Go's encoder never writes for a letter.
    escape: Finder<'static>,
    /// The key [`MANAGED_FIELDS`].
    managed: Finder<'static>,
    /// The key of an environment variable's value.
    value: Finder<'static>,
    secret_names: AhoCorasick,
    query_marks: AhoCorasick,
    shapes: Regex,
    assignments: Regex,
}

/// Looks for any of a few words, in every line of a log: by SIMD where the machine has it.
struct Marks {
    packed: Option<packed::Searcher>,
    plain: AhoCorasick,
}

impl Marks {
    fn new(words: &[&str]) -> Self {
        Self {
            packed: packed::Searcher::new(words),
            plain: AhoCorasick::new(words).expect("the words are few and short"),
        }
    }

    fn is_match(&self, text: &[u8]) -> bool {
        match &self.packed {
            Some(packed) => packed.find(text).is_some(),
            None => self.plain.is_match(text),
        }
    }
}

fn in_any_case(words: &[&str]) -> AhoCorasick {
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).expect("the words are few and short")
}

/// Words one of which stands in a body that must be walked: in each of [`SECRET_KEYS`] too, as parts whose
/// beginnings are rare in other keys.
const STRUCTURE_MARKS: &[&str] = &[
    "last-applied-configuration",
    "\"Secret\"",
    "\"token\"",
    "assword\"",
    "asswd\"",
    "tSecret\"",
    "t_secret\"",
    "zation\"",
    "piKey\"",
    "pi_key\"",
    "eKey\"",
];
/// Beginnings of credentials that are known by their shape.
const SHAPE_MARKS: &[&str] = &[
    "eyJ",
    "-----BEGIN",
    "LS0tLS1CRUdJTi",
    "AKIA",
    "ASIA",
    "AIza",
    "ghp_",
    "gha_",
    "gho_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "earer ",
    "aws_secret",
];
/// Escapes that Go's encoder never writes for letters: someone hides a shape from a textual search.
const ESCAPE_MARKS: &[&str] = &["\\u004", "\\u005", "\\u006", "\\u007", "\\u002d", "\\u002D", "\\u002e", "\\u002E"];

/// Words, in any case, one of which stands in a query that may carry a credential.
const QUERY_MARKS: &[&str] = &["command=", "cmd=", "token", "pass", "secret", "key", "credential", "auth", "bearer"];

const SHAPES: &str = concat!(
    r"eyJ[A-Za-z0-9_=-]{8,}\.[A-Za-z0-9_=-]{8,}(?:\.[A-Za-z0-9_.+/=-]*)?",
    r"|-----BEGIN [A-Z0-9 ]+-----[A-Za-z0-9+/=\s\\nr:,-]*(?:-----END [A-Z0-9 ]+-----)?",
    r"|LS0tLS1CRUdJTi[A-Za-z0-9+/=]+",
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}",
    r"|AIza[A-Za-z0-9_-]{35}",
    r"|(?:gh[poasur]_|github_pat_|glpat-|xox[abp]-)[A-Za-z0-9_-]{16,}",
);
/// `password=…`, `--token …`, `Authorization: Bearer …`: the words stay, what follows goes.
const ASSIGNMENTS: &str = concat!(
    r#"(?i)((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|credentials?)["'\\]*\s*[=:]+"#,
    r#"\s*["'\\]*|--(?:password|token|secret|api-?key)[ =]+|bearer\s+)([^\s"'\\,;&|<>]{3,})"#
);

/// Keys whose string value is a credential wherever they stand.
const SECRET_KEYS: &[&str] = &[
    "token",
    "password",
    "passwd",
    "clientSecret",
    "client_secret",
    "authorization",
    "apiKey",
    "api_key",
    "privateKey",
];
/// Words, in any case, in the name of an environment variable whose value is a credential.
const SECRET_NAMES: &[&str] = &["PASS", "SECRET", "TOKEN", "_KEY", "CREDENTIAL", "APIKEY"];

pub(super) const MANAGED_FIELDS: &str = "managedFields";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Characters that `url.QueryEscape` of Go escapes.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Redactor {
    /// A redactor whose fingerprints are keyed with `key`, the lake's own.
    ///
    /// # Panics
    ///
    /// Never: the patterns are constants.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            marks: Marks::new(&[STRUCTURE_MARKS, SHAPE_MARKS, ESCAPE_MARKS].concat()),
            shape_marks: Marks::new(SHAPE_MARKS),
            escape: Finder::new("\\u00"),
            managed: Finder::new("\"managedFields\""),
            value: Finder::new("\"value\""),
            secret_names: in_any_case(SECRET_NAMES),
            query_marks: in_any_case(QUERY_MARKS),
            shapes: Regex::new(SHAPES).expect("a constant, tested below"),
            assignments: Regex::new(ASSIGNMENTS).expect("a constant, tested below"),
        }
    }

    /// `redacted hmac=<16 hex digits> len=<bytes>`: never needs an escape in JSON.
    fn fingerprint(&self, value: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(value.as_bytes());
        let digest = mac.finalize().into_bytes();
        let short = digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        format!("redacted hmac={short:016x} len={}", value.len())
    }

    /// Whether a text has anything that could be taken out by its look, or any mark of a value in a body.
    pub(super) fn is_suspect(&self, text: impl AsRef<[u8]>) -> bool {
        self.marks.is_match(text.as_ref())
    }

    /// A request URI without credentials.
    pub(super) fn request_uri<'a>(&self, uri: &'a str) -> Cow<'a, str> {
        if self.is_suspect(uri) || self.is_suspect_query(uri) { self.uri(uri) } else { Cow::Borrowed(uri) }
    }

    fn is_suspect_query(&self, uri: &str) -> bool {
        uri.split_once('?').is_some_and(|(_, query)| {
            self.query_marks.is_match(query) || query.contains('%') && self.query_marks.is_match(&decode_query(query))
        })
    }

    /// Text with everything that looks like a credential taken out.
    pub(super) fn shapes<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.shape_marks.is_match(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        self.shapes.replace_all(text, |found: &Captures<'_>| self.fingerprint(&found[0]))
    }

    /// Free text, such as a command line: also what follows `--token` or `password=`.
    pub(super) fn free_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let shapes = self.shapes(text);
        if !self.assignments.is_match(&shapes) {
            return shapes;
        }
        let replaced = self.assignments.replace_all(&shapes, |found: &Captures<'_>| {
            if found[2].starts_with("redacted") {
                found[0].to_owned()
            } else {
                found[1].to_owned() + &self.fingerprint(&found[2])
            }
        });
        Cow::Owned(replaced.into_owned())
    }

    /// A request URI: the path by shape, each value of the query as free text. Kept as sent where nothing is found.
    fn uri<'a>(&self, uri: &'a str) -> Cow<'a, str> {
        let Some((path, query)) = uri.split_once('?') else { return self.shapes(uri) };
        let mut changed = false;
        let mut after_flag = false;
        let pairs: Vec<Cow<'_, str>> = query
            .split('&')
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                let plain = decode_query(value);
                let is_named = self.is_secret_name(key.as_bytes())
                    || SECRET_KEYS.iter().any(|secret| secret.eq_ignore_ascii_case(key));
                let is_secret = after_flag || is_named;
                after_flag = matches!(plain.as_str(), "--token" | "--password" | "--secret" | "--api-key" | "-p");
                let clean = match self.free_text(&plain) {
                    _ if is_secret && !plain.is_empty() => self.fingerprint(&plain),
                    Cow::Owned(clean) => clean,
                    Cow::Borrowed(_) => return Cow::Borrowed(pair),
                };
                changed = true;
                Cow::Owned(format!("{key}={}", utf8_percent_encode(&clean, QUERY)))
            })
            .collect();
        match self.shapes(path) {
            Cow::Borrowed(_) if !changed => Cow::Borrowed(uri),
            path => Cow::Owned(format!("{path}?{}", pairs.join("&"))),
        }
    }

    /// Whether a body has nothing to take out but `managedFields`, and the values of variables whose name is one of a
    /// secret.
    pub(super) fn is_harmless(&self, body: &[u8], about: About) -> bool {
        about == About::Other && !self.is_suspect(body)
    }

    /// Whether a variable of this name holds a credential. Of a longer text: whether one that is named in it may.
    pub(super) fn is_secret_name(&self, name: &[u8]) -> bool {
        self.secret_names.is_match(name)
    }

    /// The text of a body without its secret values and without `managedFields`.
    pub(super) fn body<'a>(&self, document: &Document<'a>, body: Body<'a>, about: About) -> Cow<'a, str> {
        let raw = body.raw.as_bytes();
        let names_secret = || self.value.find(raw).is_some() && self.is_secret_name(raw);
        if self.is_harmless(raw, about) && !names_secret() {
            return self.unmanaged(document, body);
        }
        let has_escape = self.escape.find(body.raw.as_bytes()).is_some();
        if has_escape && ESCAPE_MARKS.iter().any(|mark| body.raw.contains(mark)) {
            return Cow::Owned(self.unescaped_body(body.raw, about));
        }
        self.searched(document, body, about)
    }

    /// A body that was searched for all that goes.
    fn searched<'a>(&self, document: &Document<'a>, body: Body<'a>, about: About) -> Cow<'a, str> {
        let origin = document.offset_of(body.raw);
        let mut edits = Edits { redactor: self, document: *document, about, list: Vec::new() };
        edits.walk(body.at, about == About::Secret);
        let edited = apply(body.raw, origin, edits.list);
        let clean = match self.shapes(&edited) {
            Cow::Borrowed(_) => edited,
            Cow::Owned(clean) => Cow::Owned(clean),
        };
        if about != About::ConfigMap {
            return clean;
        }
        match self.free_text(&clean) {
            Cow::Borrowed(_) => clean,
            Cow::Owned(clean) => Cow::Owned(clean),
        }
    }

    /// A body in which nothing is suspect, without `managedFields`.
    fn unmanaged<'a>(&self, document: &Document<'a>, body: Body<'a>) -> Cow<'a, str> {
        let marks = self.managed.find_iter(body.raw.as_bytes()).count();
        if marks == 0 {
            return Cow::Borrowed(body.raw);
        }
        let mut edits = Edits { redactor: self, document: *document, about: About::Other, list: Vec::new() };
        // they stand in the metadata of an object or of the items of a list; only if there are others all is searched
        edits.cut_managed(body.at);
        for item in document.get(body.at, "items").into_iter().flat_map(|items| document.elements(items)) {
            edits.cut_managed(item);
        }
        if edits.list.len() < marks {
            edits.list.clear();
            edits.walk(body.at, false);
        }
        apply(body.raw, document.offset_of(body.raw), edits.list)
    }

    /// A body with odd escapes is first written anew without them. What looks like one afterwards is an escaped
    /// backslash and some letters.
    fn unescaped_body(&self, raw: &str, about: About) -> String {
        let plain = serde_json::from_str::<serde_json::Value>(raw).map(|value| value.to_string());
        let Ok(plain) = plain else { return format!("\"{}\"", self.fingerprint(raw)) };
        let mut copy = plain.clone().into_bytes();
        let base = copy.as_ptr().addr();
        match simd_json::to_tape(&mut copy) {
            Ok(tape) => {
                let document = Document::new(&tape.0, base, plain.as_bytes());
                self.searched(&document, Body { at: 0, raw: &plain }, about).into_owned()
            }
            Err(_) => format!("\"{}\"", self.fingerprint(raw)),
        }
    }
}

/// What a body is about, by the request's resource: decides how suspicious to be.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum About {
    Secret,
    Credential,
    ConfigMap,
    #[default]
    Other,
}

impl About {
    pub(super) fn of(object: &Object<'_>) -> Self {
        match (object.resource.unwrap_or_default(), object.subresource.unwrap_or_default()) {
            ("secrets", _) => Self::Secret,
            ("serviceaccounts", "token") | ("tokenreviews" | "certificatesigningrequests", _) => Self::Credential,
            ("configmaps", _) => Self::ConfigMap,
            _ => Self::Other,
        }
    }
}

/// What an object in a body is called.
#[derive(Default)]
struct Named<'a> {
    kind: Option<&'a str>,
    name: Option<&'a str>,
    path: Option<&'a str>,
}

/// The places of a body that are replaced, in the order of the text.
struct Edits<'a, 'r> {
    redactor: &'r Redactor,
    document: Document<'a>,
    about: About,
    list: Vec<(usize, usize, String)>,
}

impl<'a> Edits<'a, '_> {
    fn walk(&mut self, at: usize, in_secret: bool) {
        if self.document.is_array(at) {
            self.document.elements(at).for_each(|element| self.walk(element, in_secret));
            return;
        }
        let Named { kind, name, path } = self.named(at);
        let in_secret = in_secret || kind == Some("Secret");
        let names_credential = name.is_some_and(|name| self.redactor.is_secret_name(name.as_bytes()));
        let patches_data = in_secret && path.is_some_and(patches_values);
        for field in self.document.fields(at) {
            match field.key {
                MANAGED_FIELDS => self.cut(&field),
                "data" | "stringData" if in_secret => self.leaves(field.value),
                "value" if patches_data || names_credential => self.leaves(field.value),
                "request" | "certificate" if self.about == About::Credential => self.leaves(field.value),
                LAST_APPLIED => self.last_applied(&field, in_secret),
                key if SECRET_KEYS.contains(&key) && self.document.text(field.value).is_some() => {
                    self.leaves(field.value);
                }
                _ => self.walk(field.value, in_secret),
            }
        }
    }

    fn cut(&mut self, field: &Field<'a>) {
        let (start, end) = self.document.cut_range(field);
        self.list.push((start, end, String::new()));
    }

    /// Cuts `metadata.managedFields` of the object at `at`.
    fn cut_managed(&mut self, at: usize) {
        let document = self.document;
        for metadata in document.fields(at).filter(|field| field.key == "metadata") {
            document
                .fields(metadata.value)
                .filter(|field| field.key == MANAGED_FIELDS)
                .for_each(|field| self.cut(&field));
        }
    }

    /// The first of each field that says what an object is.
    fn named(&self, at: usize) -> Named<'a> {
        let mut named = Named::default();
        for field in self.document.fields(at) {
            let place = match field.key {
                "kind" => &mut named.kind,
                "name" => &mut named.name,
                "path" => &mut named.path,
                _ => continue,
            };
            *place = place.or(self.document.text(field.value));
        }
        named
    }

    /// Replaces every string at or below `at`.
    fn leaves(&mut self, at: usize) {
        if let Some(text) = self.document.text(at) {
            let (start, end) = self.document.string_range(text);
            self.list.push((start, end, format!("\"{}\"", self.redactor.fingerprint(text))));
        }
        self.document.elements(at).for_each(|element| self.leaves(element));
        self.document.fields(at).for_each(|field| self.leaves(field.value));
    }

    /// The copy of the whole object that `kubectl apply` keeps; for anything that holds values it goes as a whole.
    fn last_applied(&mut self, field: &Field<'a>, in_secret: bool) {
        let Some(text) = self.document.text(field.value) else { return };
        let holds_values = in_secret
            || self.about != About::Other
            || text.contains("\"Secret\"")
            || SECRET_NAMES.iter().any(|name| text.contains(name));
        if holds_values {
            self.leaves(field.value);
        }
    }
}

/// Whether a JSON patch at `path` of a Secret carries values.
fn patches_values(path: &str) -> bool {
    path.starts_with("/data") || path.starts_with("/stringData") || path.contains("last-applied-configuration")
}

/// `raw`, which begins at `origin` of the line, with the ranges of the line replaced.
fn apply(raw: &str, origin: usize, mut edits: Vec<(usize, usize, String)>) -> Cow<'_, str> {
    if edits.is_empty() {
        return Cow::Borrowed(raw);
    }
    edits.sort_unstable();
    let mut text = String::with_capacity(raw.len());
    let mut done = 0;
    for (start, end, replacement) in edits {
        let (start, end) = (start - origin, end - origin);
        if start < done {
            continue; // inside something that was cut already
        }
        text.push_str(&raw[done..start]);
        text.push_str(&replacement);
        done = end;
    }
    text.push_str(&raw[done..]);
    Cow::Owned(text)
}
