//! `kubesift probe`: what files are, before anything is made of them: how they are packed and wrapped, the first event,
//! what it lost on the way, and what could not be read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Value, json};

use super::{Ending, output, place};
use crate::block::{Coded, NULL};
use crate::error::{Error, Result};
use crate::event::{Batch, Envelope, Parser, Place, Redactor};
use crate::input::{self, Ending as End, Piece, Source};
use crate::limits;

/// Arguments of `kubesift probe`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Log files, folders, globs, or `-` for stdin, packed or not
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Lines that are looked at of each
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    lines: u64,
    /// Format of what is told
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"], default_value = "text")]
    format: String,
}

/// Columns that are of the reading, not of the event.
const OWN: [&str; 6] = ["source", "line", "event_hash", "envelope", "lost", "cluster"];

/// What one source is.
#[derive(Default)]
struct Probed {
    source: String,
    lines: u64,
    events: u64,
    not_audit: u64,
    blanks: u64,
    /// Whether there is more than was looked at.
    is_more: bool,
    envelopes: BTreeMap<String, u64>,
    clusters: BTreeMap<String, u64>,
    lost: BTreeMap<String, u64>,
    /// For each reason how many, and the first: its line and what is wrong with it.
    rejects: BTreeMap<&'static str, (u64, u64, String)>,
    /// The columns of the first event, as an ingest would write them.
    first: Map<String, Value>,
    /// What went wrong with the source as a whole.
    notes: Vec<String>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    let found = input::find(&args.paths, &place::stores())?;
    let mut all: Vec<Probed> = found.sources.iter().map(|source| probe(source, args.lines)).collect::<Result<_>>()?;
    all.extend(found.skipped.iter().map(|(path, why)| Probed {
        source: path.to_string_lossy().into_owned(),
        notes: vec![why.clone()],
        ..Probed::default()
    }));
    if args.format == "json" {
        let values: Vec<Value> = all.iter().map(Probed::json).collect();
        output::print(&format!("{:#}\n", Value::from(values)))?;
    } else {
        output::print(&output::safe(&all.iter().map(Probed::text).collect::<Vec<_>>().join("\n")))?;
    }
    let is_any = all.iter().any(|probed| probed.events > 0);
    Ok(if is_any { Ending::Complete } else { Ending::Refused })
}

fn probe(source: &Source, most: u64) -> Result<Probed> {
    let mut probed = Probed { source: source.name.clone(), ..Probed::default() };
    let mut lines = match input::lines(source, 0) {
        Ok(lines) => lines,
        Err(Error::Input { reason, .. }) => {
            probed.notes.push(reason);
            return Ok(probed);
        }
        Err(error) => return Err(error),
    };
    // the hashes of what is taken out are of no use beyond this run
    let mut parser = Parser::new("default", Redactor::new(*blake3::hash(source.name.as_bytes()).as_bytes()));
    while probed.lines < most {
        match lines.next_chunk() {
            Err(error) => {
                probed.notes.push(error.to_string());
                return Ok(probed);
            }
            Ok(None) => {
                match lines.ending() {
                    End::Whole => {}
                    End::Truncated(what) => probed.notes.push(format!("cut off: {what}")),
                    End::Garbage(what) => probed.notes.push(what),
                }
                return Ok(probed);
            }
            Ok(Some(Piece::Lines(chunk))) => {
                let left = usize::try_from(most - probed.lines).unwrap_or(usize::MAX);
                let end = memchr::memchr_iter(b'\n', &chunk.bytes).nth(left - 1).map_or(chunk.bytes.len(), |at| at + 1);
                let (lines_before, offset) = (chunk.lines_before, chunk.offset);
                let place = Place { source: &source.name, lines_before, offset, cluster: source.cluster.as_deref() };
                probed.add(&parser.parse(&chunk.bytes[..end], place)?, &parser)?;
                probed.is_more = end < chunk.bytes.len();
            }
            Ok(Some(Piece::TooLong { line, .. })) => probed.reject("too_long", line, "a line without end"),
            Ok(Some(Piece::Zeros { line, .. })) => probed.reject("ctrl_bytes", line, "a run of NUL bytes"),
        }
    }
    probed.is_more |= lines.next_chunk().is_ok_and(|piece| piece.is_some());
    Ok(probed)
}

impl Probed {
    fn add(&mut self, batch: &Batch, parser: &Parser) -> Result<()> {
        self.lines += batch.lines;
        self.blanks += batch.blanks;
        self.not_audit += batch.not_audit;
        self.events += batch.rows.num_rows() as u64;
        for reject in &batch.rejects {
            let (count, ..) =
                self.rejects.entry(reject.reason.as_str()).or_insert((0, reject.line, reject.detail.clone()));
            *count += 1;
        }
        let (block, vocabulary) = parser.rows();
        let columns = [
            (Coded::Envelope, &mut self.envelopes),
            (Coded::Cluster, &mut self.clusters),
            (Coded::Lost, &mut self.lost),
        ];
        for (column, counts) in columns {
            for codes in block.codes.iter().filter(|codes| codes[column] != NULL) {
                let text = String::from_utf8_lossy(vocabulary.dictionary(column).text(codes[column]));
                match counts.get_mut(&*text) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(text.into_owned(), 1)),
                }
            }
        }
        if self.first.is_empty() && batch.rows.num_rows() > 0 {
            self.first = first(&batch.rows)?;
        }
        Ok(())
    }

    fn reject(&mut self, reason: &'static str, line: u64, detail: &str) {
        self.lines += 1;
        let (count, ..) = self.rejects.entry(reason).or_insert((0, line, detail.to_owned()));
        *count += 1;
    }

    fn json(&self) -> Value {
        let rejects: Map<String, Value> = self
            .rejects
            .iter()
            .map(|(reason, (count, line, detail))| {
                (reason.to_string(), json!({"count": count, "first_line": line, "detail": detail}))
            })
            .collect();
        json!({
            "source": self.source, "lines": self.lines, "more": self.is_more, "events": self.events,
            "not_audit": self.not_audit, "blanks": self.blanks, "envelopes": self.envelopes,
            "clusters": self.clusters, "lost": self.lost, "rejects": rejects, "first_event": self.first,
            "notes": self.notes,
        })
    }

    fn text(&self) -> String {
        let first = if self.is_more { "first " } else { "" };
        let mut text = format!("{}\n  {first}{} lines: {} events", self.source, self.lines, self.events);
        text += &format!(", {} of other logs, {} blank, {} rejected\n", self.not_audit, self.blanks, self.rejected());
        for (name, count) in &self.envelopes {
            let about = name.parse().map_or("", Envelope::about);
            text += &format!("  {count} in {name}: {about}\n");
        }
        if !self.clusters.is_empty() {
            let names: Vec<&str> = self.clusters.keys().map(String::as_str).collect();
            text += &format!("  cluster: {}\n", names.join(", "));
        }
        for (fields, count) in &self.lost {
            text += &format!("  lost in {count} of them: {}\n", fields.replace(',', ", "));
        }
        for (reason, (count, line, detail)) in &self.rejects {
            text += &format!("  {count} rejected as {reason}, the first is line {line}: {detail}\n");
        }
        self.notes.iter().for_each(|note| text += &format!("  {note}\n"));
        if !self.first.is_empty() {
            text += "  the first event:\n";
        }
        for (column, value) in &self.first {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned).replace('\n', " ");
            let short: String = value.chars().take(limits::CELL_CHARS_MAX).collect();
            text += &format!("    {column:<26} {short}\n");
        }
        text
    }

    fn rejected(&self) -> u64 {
        self.rejects.values().map(|(count, ..)| count).sum()
    }
}

/// The columns of the first row that have something.
fn first(rows: &RecordBatch) -> Result<Map<String, Value>> {
    let options = FormatOptions::default();
    let internal = |error: arrow::error::ArrowError| Error::Internal(format!("a row could not be shown: {error}"));
    let mut cells = Map::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        if column.is_null(0) || OWN.contains(&field.name().as_str()) {
            continue;
        }
        let cell = ArrayFormatter::try_new(column, &options).map_err(internal)?.value(0).to_string();
        cells.insert(field.name().clone(), cell.into());
    }
    Ok(cells)
}
