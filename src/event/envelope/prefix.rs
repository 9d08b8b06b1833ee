//! What stands before the JSON on a line of text. Each is told by its exact shape: a line that merely holds JSON somewhere
//! is none, since whoever may write to a log could put an event there.

use super::aws::{Stream, stream_of};
use super::{Envelope, Inner, Piece, Wrapped, rebuild};
use crate::event::document::text_of;
use crate::event::time;

/// How an event of an API server begins.
const EVENT: &[u8] = br#"{"kind":"Event","apiVersion":"audit.k8s.io/"#;
/// What CloudWatch writes into a bucket to see whether it may.
const EXPORT_TEST: &[u8] = b"Permission Check Successful";

/// What the line holds, where something is known to stand before it; also lines of logs without any JSON.
pub(in crate::event) fn cut(line: &[u8]) -> Option<Wrapped<'_>> {
    match line.first()? {
        b'0'..=b'9' => timed(line),
        b'<' => syslog(line),
        b'@' => cee(line),
        b'I' | b'W' | b'E' | b'F' if is_klog(line) => Some(Wrapped::not_audit(Envelope::Native)),
        b'A'..=b'Z' => bsd(line).or_else(|| fluentd(line)).or_else(|| export_test(line)).or_else(|| named(line)),
        b'a'..=b'z' | b'.' | b'/' => logfmt(line).or_else(|| named(line)),
        _ => None,
    }
}

fn wrapped(envelope: Envelope, rest: &[u8], time: Option<i64>) -> Wrapped<'_> {
    Wrapped::one(envelope, Piece::new(Inner::Json(rest)).at(time))
}

/// The text up to the first `end`, and what follows.
fn split(text: &[u8], end: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(end, text)?;
    Some((&text[..at], &text[at + 1..]))
}

fn begins_json(text: &[u8]) -> bool {
    text.starts_with(b"{\"") || text.starts_with(b"{ \"")
}

/// Lines that begin with a time: containers, CloudWatch, Fluentd, syslog files, or just a time.
fn timed(line: &[u8]) -> Option<Wrapped<'_>> {
    if let Some(wrapped) = fluentd(line) {
        return Some(wrapped);
    }
    let Some((stamp, rest)) = split(line, b' ') else { return named(line) };
    let Some(time) = time_of(stamp) else { return named(line) };
    if let Some(wrapped) = cri(rest, time) {
        return Some(wrapped);
    }
    if let Some(event) = rebuild::legacy(text_of(line)) {
        return Some(Wrapped::one(Envelope::Legacy, Piece::new(Inner::Rebuilt(event))));
    }
    // 2026-01-15T10:00:00.123Z
    let is_export = stamp.len() == 24 && stamp.ends_with(b"Z") && stamp[19] == b'.';
    if begins_json(rest) {
        let envelope = if is_export { Envelope::EksExport } else { Envelope::Timestamped };
        return Some(wrapped(envelope, rest, Some(time)));
    }
    if let Some(wrapped) = tail(rest, time).or_else(|| logcli(rest, time)).or_else(|| tagged(rest, Some(time))) {
        return Some(wrapped);
    }
    if is_export {
        return Some(wrapped(Envelope::EksExport, rest, Some(time)));
    }
    is_klog(rest).then(|| Wrapped::not_audit(Envelope::Timestamped))
}

/// RFC 3339, or the local time without a zone of `aws logs tail --format short`, which is UTC.
fn time_of(stamp: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(stamp).ok().filter(|text| (19..=35).contains(&text.len()))?;
    time::micros(text).or_else(|| time::micros(&format!("{text}Z")))
}

/// `stdout F TEXT`; `P` is a piece of a line whose end is missing.
fn cri(rest: &[u8], time: i64) -> Option<Wrapped<'_>> {
    let (stream, rest) = split(rest, b' ')?;
    if stream != b"stdout" && stream != b"stderr" {
        return None;
    }
    let (tags, text) = split(rest, b' ').unwrap_or((rest, b""));
    matches!(tags.split(|byte| *byte == b':').next(), Some(b"F" | b"P")).then_some(())?;
    Some(wrapped(Envelope::Cri, text, Some(time)))
}

/// `STREAM TEXT` of `aws logs tail`.
fn tail(rest: &[u8], time: i64) -> Option<Wrapped<'_>> {
    let (name, text) = split(rest, b' ')?;
    match stream_of(text_of(name)) {
        Stream::Other => Some(Wrapped::not_audit(Envelope::EksTail)),
        Stream::Audit => {
            let piece = Piece::new(Inner::Json(text)).at(Some(time)).audit(true);
            Some(Wrapped::one(Envelope::EksTail, piece))
        }
        Stream::Unknown => None,
    }
}

/// `{label="value", ...} TEXT` of `logcli`.
fn logcli(rest: &[u8], time: i64) -> Option<Wrapped<'_>> {
    let labels = rest.strip_prefix(b"{")?;
    if !labels.first()?.is_ascii_alphabetic() {
        return None;
    }
    let (mut in_string, mut escaped) = (false, false);
    let end = labels.iter().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' if in_string => {
            escaped = true;
            false
        }
        b'"' => {
            in_string = !in_string;
            false
        }
        byte => !in_string && *byte == b'}',
    })?;
    let text = labels[end + 1..].trim_ascii_start();
    begins_json(text).then(|| wrapped(Envelope::Logcli, text, Some(time)))
}

/// `TIME TAB TAG TAB RECORD`.
fn fluentd(line: &[u8]) -> Option<Wrapped<'_>> {
    let (stamp, rest) = split(line, b'\t')?;
    let (tag, record) = split(rest, b'\t')?;
    let time = time_of(stamp)?;
    let is_tag = |byte: &u8| byte.is_ascii_graphic();
    (!tag.is_empty() && tag.iter().all(is_tag) && record.starts_with(b"{"))
        .then(|| wrapped(Envelope::Fluentd, record, Some(time)))
}

/// `<PRIORITY>`, then RFC 5424 or 3164.
fn syslog(line: &[u8]) -> Option<Wrapped<'_>> {
    let (priority, rest) = split(&line[1..], b'>')?;
    if priority.is_empty() || priority.len() > 3 || !priority.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let Some(rest) = rest.strip_prefix(b"1 ") else {
        return bsd(rest).or_else(|| split(rest, b' ').and_then(|(stamp, rest)| tagged(rest, Some(time_of(stamp)?))));
    };
    // time, host, application, process, message id
    let (stamp, mut rest) = split(rest, b' ')?;
    for _ in 0..4 {
        rest = split(rest, b' ')?.1;
    }
    let text = behind_data(rest)?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    Some(message(text, time_of(stamp)))
}

/// What follows structured data, which is `-` or elements in brackets.
fn behind_data(mut rest: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = rest.strip_prefix(b"-") {
        return Some(rest.trim_ascii_start());
    }
    while let Some(element) = rest.strip_prefix(b"[") {
        let (mut in_string, mut escaped) = (false, false);
        let end = element.iter().position(|byte| {
            let is_end = !in_string && *byte == b']';
            in_string ^= *byte == b'"' && !escaped;
            escaped = in_string && *byte == b'\\' && !escaped;
            is_end
        })?;
        rest = &element[end + 1..];
    }
    rest.strip_prefix(b" ").map(<[u8]>::trim_ascii_start)
}

/// `Jan  2 15:04:05 HOST TAG: TEXT`, whose time lacks the year.
fn bsd(rest: &[u8]) -> Option<Wrapped<'_>> {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let (stamp, rest) = rest.split_at_checked(16)?;
    let is_time = stamp[3] == b' '
        && stamp[4..6].iter().all(|byte| byte.is_ascii_digit() || *byte == b' ')
        && stamp[6] == b' '
        && [9, 12].iter().all(|at| stamp[*at] == b':')
        && stamp[15] == b' ';
    if !is_time || !MONTHS.contains(&&stamp[..3]) {
        return None;
    }
    tagged(rest, None)
}

/// `HOST TAG: TEXT` or `HOST TAG[PID]: TEXT`.
fn tagged(rest: &[u8], time: Option<i64>) -> Option<Wrapped<'_>> {
    let (host, rest) = split(rest, b' ')?;
    let (tag, text) = split(rest, b' ')?;
    let tag = tag.strip_suffix(b":")?;
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_graphic);
    (is_word(host) && is_word(tag)).then(|| message(text, time))
}

/// A syslog message, which `@cee:` may stand before.
fn message(text: &[u8], time: Option<i64>) -> Wrapped<'_> {
    let text = text.strip_prefix(b"@cee:").unwrap_or(text).trim_ascii_start();
    wrapped(Envelope::Syslog, text, time)
}

fn cee(line: &[u8]) -> Option<Wrapped<'_>> {
    line.starts_with(b"@cee:").then(|| message(line, None))
}

/// The name of a node or of a file, then an event exactly as an API server writes it.
fn named(line: &[u8]) -> Option<Wrapped<'_>> {
    const NAME_BYTES_MAX: usize = 512;
    let head = &line[..line.len().min(NAME_BYTES_MAX)];
    let at = memchr::memchr(b'{', head)?;
    let event = &line[at..];
    if !event.starts_with(EVENT) {
        return None;
    }
    let is_label = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(byte);
    if let Some(node) = line[..at].strip_suffix(b" ") {
        return node.iter().all(is_label).then(|| wrapped(Envelope::OpenshiftNodeLogs, event, None));
    }
    let name = line[..at].strip_suffix(b":")?;
    let is_name = |byte: &u8| byte.is_ascii_graphic() && !b"\"{}".contains(byte);
    name.iter().all(is_name).then(|| {
        let piece = Piece::new(Inner::Json(event)).by(super::api_server_of(text_of(name)));
        Wrapped::one(Envelope::Grep, piece)
    })
}

fn export_test(line: &[u8]) -> Option<Wrapped<'_>> {
    (line == EXPORT_TEST).then(|| Wrapped::not_audit(Envelope::EksExport))
}

/// `I0115 10:00:00.123456       1 file.go:12] TEXT`, as Kubernetes' components write their logs.
fn is_klog(line: &[u8]) -> bool {
    let Some((head, _)) = line.split_at_checked(21) else { return false };
    b"IWEF".contains(&head[0])
        && head.iter().enumerate().skip(1).all(|(at, byte)| match at {
            5 => *byte == b' ',
            8 | 11 => *byte == b':',
            14 => *byte == b'.',
            _ => byte.is_ascii_digit(),
        })
}

/// `time="..." level=...`, as Go programs that use logrus write it.
fn logfmt(line: &[u8]) -> Option<Wrapped<'_>> {
    let rest = line.strip_prefix(b"time=\"")?;
    let (stamp, rest) = split(rest, b'"')?;
    (time_of(stamp).is_some() && rest.starts_with(b" level=")).then(|| Wrapped::not_audit(Envelope::Native))
}
