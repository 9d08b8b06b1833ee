//! The fast way for lines that look as an API server writes them: keys in the order of Go's `audit.Event`, no blanks.
//!
//! Such a line needs no tape. Its fields are found by what must stand between them, and the larger ones (the user, the
//! URI, the answer, the annotations) are looked up as raw text: they repeat, and what they mean was concluded when they
//! came first, by the code that reads whole events. Bodies are read by [`body`] as they are passed. Anything else, down to a key that nobody knows, is left to the slow
//! way, so that both give the same rows; `tests/reference` holds them against each other and a third reading.
//!
//! Why it is safe to look for the next key in raw text: a value is taken only if it parses as one whole JSON value, and
//! where such a value ends does not depend on what follows. No byte is kept that was not looked at: strings that are taken
//! as they are must be plain ASCII, and everything else was read by [`body`] or simd-json, now or when the same bytes came
//! first.

mod body;
mod cursor;
mod memo;
mod parts;

use memchr::memmem::Finder;

use super::columns::{CLOCK_SKEW, LONG_AGENT, Origin, Rows, flags};
use super::document::text_of;
use super::parse::{Body, Object};
use super::redact::{About, Redactor};
use super::time::Clock;
use crate::block::{Code, Coded, Codes, Facts, NULL, Plain, Texts, Vocabulary};
use body::Found;
use cursor::Cursor;
use memo::Piece;
use parts::{Desk, Parts};

const SUBRESOURCE: &[u8] = b",\"subresource\":\"";
const REQUEST_OBJECT: &[u8] = b",\"requestObject\":";
/// The length of an audit id as an API server makes it, and of a time with microseconds.
const UUID: usize = 36;
const TIME: usize = 27;

/// Reads canonical lines; see the module.
pub(super) struct Quick {
    piece: Piece,
    parts: Parts,
    clock: Clock,
    /// The last text and code of columns that hardly change from line to line.
    recent: [(Coded, Vec<u8>, Code); 7],
    generation: u64,
    /// What was found in the bodies of the line.
    found: [Found; 2],
    sources: Finder<'static>,
    versions: Finder<'static>,
    answers: Finder<'static>,
    received: Finder<'static>,
}

/// Where the fields of a line lie.
struct Spans<'a> {
    level: &'a [u8],
    audit_id: &'a [u8],
    stage: &'a [u8],
    uri: &'a [u8],
    verb: &'a [u8],
    who: Who<'a>,
    /// The fields of the object that stay the same from request to request.
    object: Option<&'a [u8]>,
    resource_version: Option<&'a [u8]>,
    subresource: Option<&'a [u8]>,
    response: Option<&'a [u8]>,
    bodies: Bodies<'a>,
    received: &'a [u8],
    stage_time: &'a [u8],
    annotations: Option<&'a [u8]>,
}

/// The body of the request and that of the answer.
struct Bodies<'a> {
    raw: [Option<&'a [u8]>; 2],
    /// Whether [`body::object`] has read both.
    are_plain: bool,
}

/// The three fields that say who asks; they lie side by side.
struct Who<'a> {
    all: &'a [u8],
    user: &'a [u8],
    source_ips: &'a [u8],
    user_agent: Option<&'a [u8]>,
}

impl Quick {
    pub(super) fn new() -> Self {
        Self {
            piece: Piece::new(),
            parts: Parts::new(),
            clock: Clock::default(),
            recent: [
                Coded::Cluster,
                Coded::Source,
                Coded::Envelope,
                Coded::Stage,
                Coded::Level,
                Coded::Lost,
                Coded::ApiServer,
            ]
            .map(|column| (column, Vec::new(), NULL)),
            generation: 0,
            found: Default::default(),
            sources: Finder::new(",\"sourceIPs\":["),
            versions: Finder::new(",\"resourceVersion\":\""),
            answers: Finder::new(",\"responseObject\":"),
            received: Finder::new(",\"requestReceivedTimestamp\":\""),
        }
    }

    /// The bytes of memory that is remembered, about.
    pub(super) fn bytes(&self) -> usize {
        self.parts.bytes()
    }

    /// Appends the event of `line` as one row. `None`, and no row, where the line is to be read the slow way.
    pub(super) fn append(
        &mut self,
        line: &[u8],
        redactor: &Redactor,
        rows: &mut Rows,
        origin: &Origin<'_>,
    ) -> Option<()> {
        let mut found = std::mem::take(&mut self.found);
        let spans = self.spans(line, &mut found);
        self.found = found;
        let spans = spans?;
        let Rows { block, vocabulary: words } = rows;
        if self.generation != words.generation() {
            self.generation = words.generation();
            self.parts.clear();
            self.recent.iter_mut().for_each(|(.., code)| *code = NULL);
        }
        let (ts, stage_ts) = (self.clock.micros(spans.received)?, self.clock.micros(spans.stage_time)?);
        let mut codes = Codes::default();
        let [cluster, source, envelope] = [origin.cluster, origin.source, origin.envelope].map(str::as_bytes);
        let [lost, api_server] = [origin.lost, origin.api_server].map(|text| text.map(str::as_bytes));
        let always = [cluster, source, envelope, spans.stage, spans.level].map(Some);
        let fields = always.into_iter().chain([lost, api_server]);
        for ((column, last, code), text) in self.recent.iter_mut().zip(fields) {
            let Some(text) = text else { continue };
            if last != text || *code == NULL {
                text.clone_into(last);
                *code = words.code_of_bytes(*column, text);
            }
            codes[*column] = *code;
        }
        codes[Coded::Verb] = words.code_of_bytes(Coded::Verb, spans.verb);
        let said = self.parts.put(&spans, &mut self.piece, &mut Desk { words, redactor }, &mut codes)?;
        let flags = flags(&[(said.long_agent, LONG_AGENT), (stage_ts < ts, CLOCK_SKEW)]);
        codes[Coded::Flags] = words.code_of(Coded::Flags, flags.as_deref());
        let mut put = |column, raw, found| {
            let found = spans.bodies.are_plain.then_some(found);
            put_body(block.texts_mut(column), raw, found, said.about, &mut self.piece, redactor)
        };
        let [sent, answered] = spans.bodies.raw;
        put(Plain::RequestObject, sent, &self.found[0])?;
        if put(Plain::ResponseObject, answered, &self.found[1]).is_none() {
            block.texts_mut(Plain::RequestObject).pop();
            return None;
        }
        block.texts_mut(Plain::AuditId).push(Some(spans.audit_id));
        block.texts_mut(Plain::ResourceVersion).push(spans.resource_version);
        block.texts_mut(Plain::Extra).push(None);
        block.codes.push(codes);
        block.facts.push(Facts {
            ts,
            stage_ts: Some(stage_ts),
            response_code: said.response_code,
            line: origin.line.cast_signed(),
            event_hash: origin.hash,
            source_ips_disagree: said.source_ips_disagree,
            truncated: said.truncated,
        });
        Some(())
    }

    fn spans<'a>(&self, line: &'a [u8], found: &mut [Found; 2]) -> Option<Spans<'a>> {
        let mut at = Cursor::new(line);
        if !at.passes(b"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"") {
            at.pass(b"{\"level\":\"")?; // an item of an EventList
        }
        let level = at.plain_string()?;
        at.pass(b",\"auditID\":\"")?;
        let audit_id = at.plain_string_of::<UUID>().or_else(|| at.plain_string())?;
        at.pass(b",\"stage\":\"")?;
        let stage = at.plain_string()?;
        at.pass(b",\"requestURI\":\"")?;
        let uri = at.string()?;
        at.pass(b",\"verb\":\"")?;
        let verb = at.plain_string()?;
        at.pass(b",\"user\":")?;
        let start = at.offset();
        let user = at.until(&self.sources)?;
        at.skip(self.sources.needle().len());
        let source_ips = at.through(b']')?;
        let user_agent = if at.passes(b",\"userAgent\":\"") { Some(at.string()?) } else { None };
        let who = Who { all: &line[start..at.offset()], user, source_ips, user_agent };
        let (mut object, mut resource_version, mut subresource) = (None, None, None);
        if at.passes(b",\"objectRef\":{") {
            let fields = at.before(b'}')?;
            let version = self.versions.find(fields);
            object = Some(&fields[..version.unwrap_or(fields.len())]);
            at.skip(version.unwrap_or(fields.len()));
            if version.is_some() {
                at.skip(self.versions.needle().len());
                resource_version = Some(at.plain_string()?);
                subresource = if at.passes(SUBRESOURCE) { Some(at.plain_string()?) } else { None };
            }
            at.pass(b"}")?;
        }
        let response = if at.passes(b",\"responseStatus\":") { Some(at.object()?) } else { None };
        let bodies = self.bodies(&mut at, found)?;
        at.pass(self.received.needle())?;
        let received = at.plain_string_of::<TIME>()?;
        at.pass(b",\"stageTimestamp\":\"")?;
        let stage_time = at.plain_string_of::<TIME>()?;
        let annotations = if at.passes(b",\"annotations\":") { Some(at.all_but_last()?) } else { None };
        at.pass(b"}")?;
        at.is_at_end().then_some(Spans {
            level,
            audit_id,
            stage,
            uri,
            verb,
            who,
            object,
            resource_version,
            subresource,
            response,
            bodies,
            received,
            stage_time,
            annotations,
        })
    }

    /// Both bodies, up to the members that follow them.
    fn bodies<'a>(&self, at: &mut Cursor<'a>, found: &mut [Found; 2]) -> Option<Bodies<'a>> {
        let start = *at;
        if let Some(raw) = self.plain_bodies(at, found) {
            return Some(Bodies { raw, are_plain: true });
        }
        *at = start;
        let mut raw = [None; 2];
        if at.passes(REQUEST_OBJECT) {
            let both = at.until(&self.received)?;
            let request = self.answers.find(both).map_or(both, |end| &both[..end]);
            let answer = both.get(request.len() + self.answers.needle().len()..);
            raw = [Some(request), answer];
        } else if at.passes(self.answers.needle()) {
            raw[1] = Some(at.until(&self.received)?);
        }
        // blanks around a body are no part of it, and an API server writes none
        let is_bare = |body: &&[u8]| body.len() == body.trim_ascii().len();
        raw.iter().flatten().all(is_bare).then_some(Bodies { raw, are_plain: false })
    }

    fn plain_bodies<'a>(&self, at: &mut Cursor<'a>, found: &mut [Found; 2]) -> Option<[Option<&'a [u8]>; 2]> {
        let mut bodies = [None; 2];
        let keys = [REQUEST_OBJECT, self.answers.needle()];
        for ((key, body), found) in keys.into_iter().zip(&mut bodies).zip(found) {
            if at.passes(key) {
                let rest = at.rest();
                let length = body::object(rest, found)?;
                *body = Some(&rest[..length]);
                at.skip(length);
            }
        }
        at.rest().starts_with(self.received.needle()).then_some(bodies)
    }
}

/// Appends a body without secret values; `found` is what was found in a plain one.
fn put_body(
    texts: &mut Texts,
    body: Option<&[u8]>,
    found: Option<&Found>,
    about: About,
    piece: &mut Piece,
    redactor: &Redactor,
) -> Option<()> {
    let Some(body) = body.filter(|body| body != b"null") else {
        texts.push(None);
        return Some(());
    };
    let names_secret = |found: &Found| found.variables().any(|name| redactor.is_secret_name(&body[name]));
    if let Some(found) = found.filter(|found| redactor.is_harmless(body, about) && !names_secret(found)) {
        texts.push_without(body, &found.cuts);
        return Some(());
    }
    piece.document(body, |document| {
        let raw = text_of(body);
        texts.push(Some(redactor.body(document, Body { at: 0, raw }, about).as_bytes()));
        Some(())
    })
}

/// What of the object tells how sensitive the request is.
fn kind<'a>(words: &'a Vocabulary, codes: &Codes) -> Object<'a> {
    let text = |column| {
        let code = codes[column];
        (code != NULL).then(|| text_of(words.dictionary(column).text(code)))
    };
    Object {
        resource: text(Coded::Resource),
        subresource: text(Coded::Subresource),
        api_group: text(Coded::ApiGroup),
        ..Object::default()
    }
}
