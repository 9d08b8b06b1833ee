//! From a line to rows, through whatever lies around its events. What an envelope holds is read as if it were a line,
//! with what is known of it from outside ([`Context`]), so that envelopes may lie in each other in any order.
//!
//! Every text that comes out ends as one of: a row, a reject, blank, or not audit. The last is what a carrier brings of
//! other logs; a text that speaks of audit events, or that its envelope calls one, is rejected instead.

use simd_json::ErrorType;
use twox_hash::XxHash3_128;

use super::columns::{Cleaner, Origin};
use super::document::{Document, Reader};
use super::envelope::{self, Envelope, Inner, Piece, Shape, Wrapped};
use super::parse::{self, Event};
use super::reject::{Reason, Reject};
use super::{Parser, Place, derive};
use crate::limits;

/// What is known of a text before it is read.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) place: Place<'a>,
    /// The line of the source that it is in, from 1.
    pub(super) line: u64,
    /// Whether it is the end of the source, without a line break.
    pub(super) is_tail: bool,
    envelope: Envelope,
    cluster: Option<&'a str>,
    lost: Option<&'a str>,
    api_server: Option<&'a str>,
    time: Option<i64>,
    is_audit: bool,
    is_item: bool,
    wrappers: usize,
    texts: usize,
}

impl<'a> Context<'a> {
    pub(super) fn new(place: Place<'a>) -> Self {
        Self {
            place,
            line: 0,
            is_tail: false,
            envelope: Envelope::Native,
            cluster: None,
            lost: None,
            api_server: envelope::api_server_of(place.source),
            time: None,
            is_audit: false,
            is_item: false,
            wrappers: 0,
            texts: 0,
        }
    }
}

/// What became of some lines.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) lines: u64,
    pub(super) blanks: u64,
    pub(super) not_audit: u64,
    pub(super) rejects: Vec<Reject>,
    /// Bytes that may still be unpacked of the line that is being read.
    pub(super) left: usize,
}

impl Parser {
    /// Reads a line, or the text that lies in one.
    pub(super) fn line(&mut self, text: &[u8], context: &Context<'_>, counts: &mut Counts) {
        let text = text.trim_ascii();
        if text.is_empty() {
            counts.lines += 1;
            counts.blanks += 1;
        } else if text.len() > limits::LINE_BYTES_MAX {
            let detail = format!("longer than {} bytes", limits::LINE_BYTES_MAX);
            self.refuse((Reason::TooLong, detail), text, context, counts);
        } else if self.quick(text, context) {
            counts.lines += 1;
        } else if let Some(wrapped) = envelope::prefix::cut(text) {
            self.unwrap(wrapped, text, context, counts);
        } else {
            self.json(text, context, counts);
        }
    }

    fn is_wanted(&self, envelope: Envelope) -> bool {
        self.only.is_none_or(|only| only.covers(envelope))
    }

    fn quick(&mut self, text: &[u8], context: &Context<'_>) -> bool {
        if !self.is_wanted(context.envelope) {
            return false;
        }
        let origin = origin(&self.cluster, text, context);
        let Some(quick) = &mut self.quick else { return false };
        quick.append(text, &self.redactor, &mut self.rows, &origin).is_some()
    }

    fn json(&mut self, text: &[u8], context: &Context<'_>, counts: &mut Counts) {
        let mut reader = self.readers.pop().unwrap_or_else(|| Reader::new(limits::JSON_DEPTH_MAX));
        let read = reader.read(text, |document| match envelope::told(document) {
            Ok(Shape::Event(event)) => self.event(&event, document, text, context, counts),
            Ok(Shape::Wrapped(wrapped)) => self.unwrap(wrapped, text, context, counts),
            Err((reason, detail)) => self.refuse((reason, detail.to_owned()), text, context, counts),
        });
        if let Err(error) = read
            && !self.cut(&mut reader, text, context, counts)
        {
            self.refuse(why(&error, text), text, context, counts);
        }
        self.readers.push(reader);
    }

    fn event(
        &mut self,
        event: &Event<'_>,
        document: &Document<'_>,
        text: &[u8],
        context: &Context<'_>,
        counts: &mut Counts,
    ) {
        if !self.is_wanted(context.envelope) {
            let detail = format!("an event that is wrapped otherwise ({})", context.envelope);
            return reject((Reason::NotAuditEvent, detail), text, context, counts);
        }
        let uri = event.request_uri.map(|uri| self.redactor.request_uri(uri));
        let derived = derive::derive(event, uri.as_deref().unwrap_or_default());
        let cleaner = Cleaner { redactor: &self.redactor, document: *document };
        let origin = origin(&self.cluster, text, context);
        self.rows.append(event, &derived, uri.as_deref(), &cleaner, &origin);
        counts.lines += 1;
    }

    /// Reads what is left of an event that its carrier cut off; whether the text is one.
    fn cut(&mut self, reader: &mut Reader, text: &[u8], context: &Context<'_>, counts: &mut Counts) -> bool {
        let is_cut = context.wrappers > 0 || envelope::cut::is_marked(text);
        if !is_cut || !text.starts_with(b"{") || !envelope::may_be_event(text) {
            return false;
        }
        let Some(closed) = envelope::cut::closed(text) else { return false };
        let read = reader.read(&closed, |document| {
            let Some(event) = parse::cut_event(document, context.time) else { return false };
            let lost = envelope::cut::lost(|member| document.get(0, member).is_some());
            let context = Context { lost: Some(&lost), ..*context };
            self.event(&event, document, text, &context, counts);
            true
        });
        if read != Ok(true) {
            let detail = "cut off, and too little is left of it".to_owned();
            self.refuse((Reason::TruncatedMessage, detail), text, context, counts);
        }
        true
    }

    /// Reads what an envelope holds. `whole` is the text of the envelope.
    fn unwrap(&mut self, wrapped: Wrapped<'_>, whole: &[u8], context: &Context<'_>, counts: &mut Counts) {
        if wrapped.pieces.is_empty() {
            counts.lines += 1;
            counts.blanks += 1;
            return;
        }
        let is_list = wrapped.envelope == Envelope::EventList;
        if is_list && context.is_item {
            let detail = "a list within a list".to_owned();
            return self.refuse((Reason::NotAuditEvent, detail), whole, context, counts);
        }
        if context.wrappers == limits::WRAPPERS_MAX {
            let detail = format!("wrapped more than {} times", limits::WRAPPERS_MAX);
            return reject((Reason::TooDeep, detail), whole, context, counts);
        }
        let inside = Context {
            envelope: context.envelope.around(wrapped.envelope),
            wrappers: context.wrappers + 1,
            is_item: is_list,
            is_tail: false,
            ..*context
        };
        for piece in wrapped.pieces {
            self.piece(piece, whole, &inside, counts);
        }
    }

    fn piece(&mut self, piece: Piece<'_>, whole: &[u8], context: &Context<'_>, counts: &mut Counts) {
        let cluster = piece.cluster.and_then(envelope::safe_cluster);
        let context = Context {
            cluster: cluster.as_deref().or(context.cluster),
            api_server: piece.api_server.or(context.api_server),
            time: piece.time.or(context.time),
            is_audit: piece.is_audit || context.is_audit,
            ..*context
        };
        let deeper = Context { texts: context.texts + 1, ..context };
        match piece.inner {
            Inner::Json(text) => self.line(text, &context, counts),
            Inner::Text(_) | Inner::Packed(_) if context.texts == limits::WRAPPED_TEXTS_MAX => {
                let detail = format!("texts within texts, more than {}", limits::WRAPPED_TEXTS_MAX);
                reject((Reason::TooDeep, detail), whole, &context, counts);
            }
            Inner::Text(text) => self.line(text.as_bytes(), &deeper, counts),
            Inner::Packed(text) => match envelope::packed::unpack(text, &mut counts.left) {
                Ok(bytes) => self.line(&bytes, &deeper, counts),
                Err((reason, detail)) => reject((reason, detail.to_owned()), whole, &context, counts),
            },
            Inner::Rebuilt(event) => {
                let cluster = event.cluster.as_deref().and_then(envelope::safe_cluster);
                let lost = event.lost.join(",");
                let lost = Some(lost.as_str()).filter(|lost| !lost.is_empty());
                let cluster = cluster.as_deref().or(context.cluster);
                self.line(event.json.as_bytes(), &Context { cluster, lost, ..context }, counts);
            }
            Inner::NotAudit if self.is_wanted(context.envelope) => {
                counts.lines += 1;
                counts.not_audit += 1;
            }
            Inner::NotAudit => {
                let detail = format!("wrapped otherwise ({})", context.envelope);
                self.refuse((Reason::NotAuditEvent, detail), whole, &context, counts);
            }
            Inner::Rejected(reason, detail) => self.refuse((reason, detail.to_owned()), whole, &context, counts),
        }
    }

    /// Counts a text that is no event.
    fn refuse(&self, why: (Reason, String), text: &[u8], context: &Context<'_>, counts: &mut Counts) {
        let is_other_log = context.envelope.brings_other_logs() && !context.is_audit;
        if is_other_log && self.is_wanted(context.envelope) && !envelope::may_be_event(text) {
            counts.lines += 1;
            counts.not_audit += 1;
        } else {
            reject(why, text, context, counts);
        }
    }
}

/// Counts a text that may have been an event, or held some.
fn reject((reason, detail): (Reason, String), text: &[u8], context: &Context<'_>, counts: &mut Counts) {
    counts.lines += 1;
    let is_cut = context.is_tail && matches!(reason, Reason::BadJson | Reason::InvalidUtf8);
    let reason = if is_cut { Reason::TruncatedTail } else { reason };
    counts.rejects.push(Reject::new(reason, detail, context.line, context.place.offset, text));
}

fn origin<'a>(fallback: &'a str, text: &[u8], context: &Context<'a>) -> Origin<'a> {
    Origin {
        cluster: context.place.cluster.or(context.cluster).unwrap_or(fallback),
        source: context.place.source,
        line: context.line,
        hash: event_hash(text),
        envelope: context.envelope.name(),
        lost: context.lost,
        api_server: context.api_server,
    }
}

fn why(error: &simd_json::Error, text: &[u8]) -> (Reason, String) {
    let reason = match error.error() {
        ErrorType::InvalidUtf8 => Reason::InvalidUtf8,
        ErrorType::DepthLimitExceeded => Reason::TooDeep,
        _ if text.iter().all(|byte| *byte == 0) => Reason::ControlBytes,
        _ if std::str::from_utf8(text).is_err() => Reason::InvalidUtf8,
        _ => Reason::BadJson,
    };
    (reason, format!("not JSON near byte {}", error.index()))
}

/// The 128-bit hash of a whole event. An item of an `EventList` lacks the kind and version that a line begins with, so
/// they do not count: the same event is the same, whichever way it came.
fn event_hash(line: &[u8]) -> u128 {
    const HEAD: &[u8] = br#""kind":"Event","apiVersion":"audit.k8s.io/v1","#;
    let inner = line.strip_prefix(b"{").unwrap_or(line);
    XxHash3_128::oneshot(inner.strip_prefix(HEAD).unwrap_or(inner))
}
