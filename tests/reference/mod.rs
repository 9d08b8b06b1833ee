//! The independent judge of the parser: every line of a log, as the program's parser reads it, beside what a plain and
//! slow reader makes of it (`event`, `conclude`). However the parser comes to its rows, by prediction or by a tape, they
//! are these.
//!
//! Redaction is not done a second time. A text that was redacted must agree around what was taken out; and each event is
//! parsed once more with its fields in the opposite order, which must give the same row.
//!
//! Any other logs are compared with `KUBESIFT_REFERENCE_LOGS='logs/*.gz' cargo test --test main reference::`.

mod conclude;
mod event;
mod hostile;
mod line;
mod mutations;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use flate2::bufread::MultiGzDecoder;
use kubesift::event::{Batch, Parser, Place, Reason, Redactor};
use kubesift::generate::{self, Attack};
use kubesift::{limits, schema};
use rayon::prelude::*;

use event::{Object, Row, Verdict, json_list};

/// Redacted by what a text looks like, where it stands in the line.
const REDACTED_TEXTS: &[&str] =
    &["user_agent", "user_extra", "impersonated_extra", "response_message", "response_details", "annotations", "extra"];
const BODIES: &[&str] = &["request_object", "response_object"];
const SOURCE: &str = "audit.log";
/// Bytes of a log that are compared at a time.
const PIECE_BYTES: usize = 4 << 20;

fn parser() -> Parser {
    Parser::new("prod", Redactor::new([1; 32]))
}

fn parse(parser: &mut Parser, text: &[u8]) -> Batch {
    parser.parse(text, Place { source: SOURCE, lines_before: 0, offset: 0, cluster: None }).unwrap()
}

/// The values of a column as text, whatever Arrow type holds them.
fn values(array: &ArrayRef) -> Vec<Option<String>> {
    let of = |array: &ArrayRef, kind: &DataType| cast(array, kind).unwrap();
    match array.data_type() {
        DataType::List(_) | DataType::LargeList(_) => {
            let lists = of(array, &schema::Kind::Texts.data_type());
            let lists = lists.as_list::<i32>();
            let list = |at| json_list(values(&lists.value(at)).iter().flatten());
            (0..lists.len()).map(|at| lists.is_valid(at).then(|| list(at))).collect()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().iter().map(|time| Some(time?.to_string())).collect()
        }
        DataType::Binary | DataType::FixedSizeBinary(_) => vec![None; array.len()], // the hash is nobody's business here
        _ => of(array, &DataType::Utf8).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect(),
    }
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let mut rows = vec![Row::new(); batch.num_rows()];
    for column in schema::COLUMNS {
        let values = values(batch.column_by_name(column.name).unwrap());
        for (row, value) in rows.iter_mut().zip(values) {
            row.insert(column.name, value);
        }
    }
    rows
}

/// Whether a text is `whole` with some of it taken out. The mark may stand in `whole` too: then no hash follows it.
fn is_redaction(redacted: &str, whole: &str) -> bool {
    const MARK: &str = "redacted hmac=";
    let mut rest = whole;
    let mut pieces = redacted.split(MARK);
    let Some(tail) = pieces.next().and_then(|first| rest.strip_prefix(first)) else { return false };
    rest = tail;
    let mut is_redacted = false;
    for piece in pieces {
        let hash = piece.split_once(" len=");
        let is_hash = |(hash, _): &(&str, &str)| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let Some((_, length)) = hash.filter(is_hash) else {
            let Some(tail) = rest.strip_prefix(MARK).and_then(|rest| rest.strip_prefix(piece)) else { return false };
            rest = tail;
            continue;
        };
        is_redacted = true;
        let kept = length.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let Some(at) = rest.find(kept) else { return false };
        rest = &rest[at + kept.len()..];
    }
    is_redacted
}

fn agrees(column: &str, expected: Option<&str>, found: Option<&str>) -> bool {
    if expected == found || column == "event_hash" {
        return true;
    }
    let (Some(expected), Some(found)) = (expected, found) else { return false };
    if column == "request_uri" {
        return found.contains("redacted%20hmac%3D") || is_redaction(found, expected);
    }
    if BODIES.contains(&column) {
        // written anew, or with a part cut out
        let changes =
            found.contains("redacted hmac=") || expected.contains("managedFields") || expected.contains("\\u00");
        return changes && serde_json::from_str::<serde::de::IgnoredAny>(found).is_ok();
    }
    REDACTED_TEXTS.contains(&column) && is_redaction(found, expected)
}

/// Says which column of a row differs.
fn compare_rows(
    expected: &Row,
    found: &Row,
    agrees: impl Fn(&str, Option<&str>, Option<&str>) -> bool,
) -> Result<(), String> {
    for column in schema::COLUMNS {
        let (expected, found) = (expected[column.name].as_deref(), found[column.name].as_deref());
        if !agrees(column.name, expected, found) {
            return Err(format!("{} is {found:?}, not {expected:?}", column.name));
        }
    }
    Ok(())
}

/// What the parser made of some lines, taken line by line.
struct Found {
    rows: std::vec::IntoIter<Row>,
    rejects: std::vec::IntoIter<kubesift::event::Reject>,
}

impl Found {
    fn event(&mut self, mut expected: Row, number: usize, envelope: &str) -> Result<Row, String> {
        let found = self.rows.next().ok_or_else(|| format!("no row, but a reject: {:?}", self.rejects.next()))?;
        let uri = if expected["request_uri"].is_some() { found["request_uri"].clone() } else { None };
        conclude::conclude(&mut expected, uri.as_deref().unwrap_or_default());
        expected.insert("cluster", Some("prod".to_owned()));
        expected.insert("source", Some(SOURCE.to_owned()));
        expected.insert("envelope", Some(envelope.to_owned()));
        expected.insert("lost", None);
        expected.insert("api_server", None);
        expected.insert("line", Some(number.to_string()));
        compare_rows(&expected, &found, agrees)?;
        Ok(found)
    }

    fn reject(&mut self, reasons: &[Reason], number: usize, offset: usize, line: &[u8]) -> Result<(), String> {
        let reject = self.rejects.next().ok_or_else(|| format!("a row, but {reasons:?} was expected"))?;
        let (place, bytes) = ((reject.line, reject.offset), reject.bytes);
        if !reasons.contains(&reject.reason) {
            return Err(format!("rejected as {} ({}), not as {reasons:?}", reject.reason, reject.detail));
        }
        if place != (number as u64, offset as u64) || bytes != line.len() as u64 {
            return Err(format!("its reject lies at {place:?} with {bytes} bytes"));
        }
        Ok(())
    }

    /// Compares one line; gives its lines (a list has more), its blanks and its row.
    fn line(&mut self, line: &[u8], number: usize, offset: usize) -> Result<(u64, u64, Option<Row>), String> {
        if line.is_empty() {
            return Ok((1, 1, None));
        }
        match event::read(line) {
            Verdict::Event(expected) => self.event(*expected, number, "native").map(|row| (1, 0, Some(row))),
            Verdict::Rejected(reasons) => self.reject(&reasons, number, offset, line).map(|()| (1, 0, None)),
            Verdict::List(_, items) if items.is_empty() => Ok((1, 1, None)),
            Verdict::List(envelope, items) => {
                for item in &items {
                    match event::read(item.as_bytes()) {
                        Verdict::Event(expected) => self.event(*expected, number, envelope).map(drop)?,
                        Verdict::List(..) => self.reject(&[Reason::NotAuditEvent], number, offset, item.as_bytes())?,
                        Verdict::Rejected(reasons) => self.reject(&reasons, number, offset, item.as_bytes())?,
                    }
                }
                Ok((items.len() as u64, 0, None))
            }
        }
    }
}

/// The event with its fields in the opposite order, which no parser can have predicted.
fn reversed(line: &[u8]) -> String {
    let object = Object::of(std::str::from_utf8(line).unwrap()).unwrap();
    let member = |(key, value): &(String, &serde_json::value::RawValue)| {
        format!("{}:{value}", serde_json::Value::from(key.as_str()))
    };
    format!("{{ {}}}", object.0.iter().rev().map(member).collect::<Vec<_>>().join(", "))
}

/// Compares whole lines; says the number of the line that differs, and how.
fn judge(parser: &mut Parser, text: &[u8]) -> Result<(), String> {
    assert!(text.ends_with(b"\n"), "the last line would count as cut");
    let batch = parse(parser, text);
    let mut found = Found { rows: rows(&batch.rows).into_iter(), rejects: batch.rejects.into_iter() };
    let (mut offset, mut seen, mut blanks) = (0, 0, 0);
    let (mut twins, mut originals) = (String::new(), Vec::new());
    for (index, whole) in text[..text.len() - 1].split(|byte| *byte == b'\n').enumerate() {
        let (line, number) = (whole.trim_ascii(), index + 1);
        let at = |difference| {
            format!("line {number}: {difference}: {}", String::from_utf8_lossy(&line[..line.len().min(4_000)]))
        };
        let (lines, blank, row) = found.line(line, number, offset).map_err(at)?;
        (seen, blanks) = (seen + lines, blanks + blank);
        if let Some(row) = row {
            let twin = reversed(line);
            if twin.len() <= limits::LINE_BYTES_MAX {
                twins += &(twin + "\n");
                originals.push((number, row));
            }
        }
        offset += whole.len() + 1;
    }
    if found.rows.next().is_some() || found.rejects.next().is_some() || (batch.lines, batch.blanks) != (seen, blanks) {
        return Err(format!("{} lines, {} blanks, not {seen}, {blanks}, or rows too many", batch.lines, batch.blanks));
    }
    let twins = rows(&parse(parser, twins.as_bytes()).rows);
    assert_eq!(twins.len(), originals.len(), "an event with its fields in the opposite order is one too");
    for (twin, (number, row)) in twins.into_iter().zip(originals) {
        let is_same = |column: &str, expected: Option<&str>, found: Option<&str>| column == "line" || expected == found;
        compare_rows(&twin, &row, is_same).map_err(|how| format!("line {number}, beside its reverse: {how}"))?;
    }
    Ok(())
}

/// Compares lines, each ended here.
fn assert_agrees<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) {
    let mut text = Vec::new();
    for line in lines {
        text.extend_from_slice(line.as_ref());
        text.push(b'\n');
    }
    judge(&mut parser(), &text).unwrap_or_else(|difference| panic!("{difference}"));
}

/// Compares a log piece by piece.
fn compare_log(mut log: impl BufRead) -> Result<(), String> {
    let (mut parser, mut before, mut is_open) = (parser(), 0, true);
    while is_open {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        while is_open && piece.len() < PIECE_BYTES {
            is_open = log.read_until(b'\n', &mut piece).map_err(|error| error.to_string())? > 0;
        }
        if piece.last().is_some_and(|last| *last != b'\n') {
            piece.push(b'\n');
        }
        if !piece.is_empty() {
            judge(&mut parser, &piece).map_err(|difference| format!("after line {before}: {difference}"))?;
            before += memchr::memchr_iter(b'\n', &piece).count();
        }
    }
    Ok(())
}

fn open(path: &Path) -> Box<dyn BufRead> {
    let file = BufReader::new(File::open(path).unwrap());
    let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
    let reader: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Box::new(BufReader::new(reader))
}

#[test]
fn generated_events_are_read_as_a_plain_reader_reads_them() {
    (1_u64..=4).into_par_iter().for_each(|seed| {
        let options =
            generate::Options { seed, events: 5_000, attacks: Attack::ALL.to_vec(), ..generate::Options::default() };
        let mut text = Vec::new();
        generate::write_stream(&options, &mut text).unwrap();
        judge(&mut parser(), &text).unwrap_or_else(|difference| panic!("{difference}"));
    });
}

#[test]
fn logs_named_by_the_environment_are_read_as_a_plain_reader_reads_them() {
    let Ok(pattern) = std::env::var("KUBESIFT_REFERENCE_LOGS") else { return };
    let paths: Vec<_> = glob::glob(&pattern).unwrap().map(Result::unwrap).collect();
    assert!(!paths.is_empty(), "KUBESIFT_REFERENCE_LOGS={pattern} names no file");
    paths.par_iter().for_each(|path| {
        compare_log(open(path)).unwrap_or_else(|difference| panic!("{}: {difference}", path.display()));
    });
}

#[test]
fn the_mark_of_a_redaction_may_stand_in_a_log_too() {
    let whole = r#"{"redacted hmac=x":{"request":"LS0tLS1CRUdJTg"}}"#;
    let redacted = r#"{"redacted hmac=x":{"request":"redacted hmac=05885a4b4701790a len=14"}}"#;
    assert!(is_redaction(redacted, whole) && !is_redaction(whole, whole));
    assert!(!is_redaction(&redacted.replace("=x", "=y"), whole));
}
