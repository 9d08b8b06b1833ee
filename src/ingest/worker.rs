//! What each worker does with a chunk: parse, take out duplicates, write the rows into the part of their date.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use super::pool::{Pool, Reader, Task};
use super::{Pass, dedup};
use crate::block::{Block, Facts, Vocabulary};
use crate::error::{Error, Result};
use crate::event::{Parser, Place, Reason, Redactor, Reject, date};
use crate::input::{self, Chunk, Ending, Piece};
use crate::lake::{FinishedPart, PartWriter};
use crate::{limits, schema};

/// The cluster of events that nobody names one for.
const CLUSTER: &str = "default";
const DAY_MICROS: i64 = 86_400_000_000;
/// 2014-01-01, before Kubernetes was: an earlier event has a clock error.
const TS_MIN: i64 = 1_388_534_400_000_000;

/// Reads all steps of the pass with as many workers as the options say; gives the parts that they wrote.
pub(super) fn work(pass: &Pass<'_>) -> Result<Vec<FinishedPart>> {
    let streams = pass.steps.iter().map(|step| step.source.stream()).collect();
    let pool = Pool::new(streams, pass.options.threads);
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(pass.options.threads)
        .build()
        .map_err(|error| Error::Limit(format!("worker threads could not be started: {error}")))?;
    let loaded = Mutex::new(Vec::new());
    let results = threads.broadcast(|_| {
        let mut worker = Worker::new(pass, &pool, &loaded);
        let result = worker.work();
        if result.is_err() {
            pool.stop();
        }
        result.and_then(|()| worker.close())
    });
    let mut parts = Vec::new();
    for result in results {
        parts.extend(result?);
    }
    Ok(parts)
}

struct Worker<'a> {
    pass: &'a Pass<'a>,
    pool: &'a Pool,
    /// Parts of the lake whose hashes were loaded, shared by all workers.
    loaded: &'a Mutex<Vec<usize>>,
    parser: Parser,
    parts: Parts,
    /// The buffer of the last chunk, for the next.
    spare: Option<Vec<u8>>,
}

impl<'a> Worker<'a> {
    fn new(pass: &'a Pass<'a>, pool: &'a Pool, loaded: &'a Mutex<Vec<usize>>) -> Self {
        Self { pass, pool, loaded, parser: Self::parser(pass), parts: Parts::new(), spare: None }
    }

    fn parser(pass: &Pass<'_>) -> Parser {
        Parser::new(CLUSTER, Redactor::new(pass.key))
    }

    fn work(&mut self) -> Result<()> {
        let mut last = None;
        while let Some(task) = self.pool.take(last) {
            self.pass.watch.check()?;
            match task {
                Task::Open(step) => {
                    last = Some(step);
                    let opened = input::lines(&self.pass.steps[step].source, self.pass.steps[step].skip);
                    match opened {
                        Ok(lines) => self.read(Box::new(Reader { step, lines }))?,
                        Err(error) => self.refuse(step, &error.to_string()),
                    }
                }
                Task::Read(reader) => {
                    last = Some(reader.step);
                    self.read(reader)?;
                }
            }
        }
        Ok(())
    }

    /// Gives up a source whose reader this worker holds.
    fn refuse(&self, step: usize, reason: &str) {
        self.pass.tally(step).refused.get_or_insert_with(|| reason.to_owned());
        self.pool.closed(step);
    }

    /// Reads one chunk, lets others read on, and works on the chunk.
    fn read(&mut self, mut reader: Box<Reader>) -> Result<()> {
        let step = reader.step;
        if self.pass.tally(step).refused.is_some() {
            drop(reader);
            self.pool.closed(step);
            return Ok(());
        }
        if let Some(spare) = self.spare.take() {
            reader.lines.recycle(spare);
        }
        let before = reader.lines.progress().load(Ordering::Relaxed);
        let piece = reader.lines.next_chunk();
        let read = reader.lines.progress().load(Ordering::Relaxed) - before;
        self.pass.watch.file_bytes.fetch_add(read, Ordering::Relaxed);
        match piece {
            Err(error) => {
                drop(reader);
                self.refuse(step, &error.to_string());
            }
            Ok(None) => self.end(reader),
            Ok(Some(Piece::Lines(chunk))) => {
                self.pool.give_back(reader);
                self.chunk(step, &chunk)?;
                self.spare = Some(chunk.bytes);
            }
            Ok(Some(other)) => {
                self.pool.give_back(reader);
                self.oversize(step, &other);
            }
        }
        Ok(())
    }

    /// The source came to its end. The reader goes first: the next member of an archive goes on with its decoder.
    fn end(&self, reader: Box<Reader>) {
        let step = reader.step;
        let (content_bytes, hash) = reader.lines.content();
        let mut tally = self.pass.tally(step);
        tally.account.content_bytes = content_bytes;
        tally.account.content_hash = hash.to_hex().to_string();
        tally.account.skipped_bytes = if reader.lines.skips() { self.pass.steps[step].skip } else { 0 };
        match reader.lines.ending() {
            Ending::Whole => {}
            Ending::Truncated(what) => tally.account.notes.push(format!("cut off: {what}")),
            Ending::Garbage(what) => tally.account.notes.push(what),
        }
        drop((tally, reader));
        self.pool.closed(step);
    }

    fn oversize(&self, step: usize, piece: &Piece) {
        let (reason, line, offset, bytes, head): (_, _, _, _, &[u8]) = match piece {
            Piece::TooLong { line, offset, bytes, head } => (Reason::TooLong, *line, *offset, *bytes, head),
            Piece::Zeros { line, offset, bytes } => (Reason::ControlBytes, *line, *offset, *bytes, &[]),
            Piece::Lines(_) => return,
        };
        let detail = format!("{bytes} bytes in one line; at most {} are read", limits::LINE_BYTES_MAX);
        let reject = Reject { bytes, ..Reject::new(reason, detail, line, offset, head) };
        let mut tally = self.pass.tally(step);
        tally.account.lines += 1;
        tally.reject(vec![reject]);
    }

    fn chunk(&mut self, step: usize, chunk: &Chunk) -> Result<()> {
        let source = &self.pass.steps[step].source;
        let cluster = source.cluster.as_deref().or(self.pass.options.cluster.as_deref());
        let envelope = source.envelope.as_deref().and_then(|name| name.parse().ok());
        self.parser.expect(envelope.or(self.pass.options.envelope));
        let place = Place { source: &source.name, lines_before: chunk.lines_before, offset: chunk.offset, cluster };
        let parsed = catch_unwind(AssertUnwindSafe(|| self.parser.read(&chunk.bytes, place)));
        let Ok(mut batch) = parsed else {
            self.parser = Self::parser(self.pass);
            let reason = format!("internal error while parsing after line {}; please report it", chunk.lines_before);
            self.pass.tally(step).refused.get_or_insert(reason);
            return Ok(());
        };
        self.pass.watch.lines.fetch_add(batch.lines, Ordering::Relaxed);
        let (all, vocabulary) = self.parser.rows();
        let kept = self.without_duplicates(all)?;
        let mut tally = self.pass.tally(step);
        tally.reject(std::mem::take(&mut batch.rejects));
        tally.add(&batch, all, &kept, vocabulary);
        // its share of rejects counts at the end only: chunks come in any order
        tally.judge(self.pass.options, false);
        if tally.refused.is_some() {
            return Ok(());
        }
        drop(tally);
        self.parts.write(self.pass, &kept, vocabulary)
    }

    /// The rows that neither this run nor the lake has met.
    fn without_duplicates<'b>(&self, all: &'b Block) -> Result<Cow<'b, Block>> {
        let Some((first, last)) = all.times() else { return Ok(Cow::Borrowed(all)) };
        let mut dedup = self.pass.dedup.lock().unwrap_or_else(PoisonError::into_inner);
        self.load_known(&mut dedup, first, last)?;
        let is_new = |facts: &Facts| dedup.is_new(facts.ts, facts.event_hash);
        let mask = all.facts.iter().map(is_new).collect::<Result<Vec<bool>>>()?;
        Ok(if mask.contains(&false) { Cow::Owned(all.filter(&mask)) } else { Cow::Borrowed(all) })
    }

    /// Loads the hashes of the lake's parts that overlap the time of these rows, each part once.
    fn load_known(&self, dedup: &mut dedup::Dedup, first: i64, last: i64) -> Result<()> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let base = self.pass.run.base();
        for (index, part) in base.parts().iter().enumerate() {
            if part.ts_max < first || part.ts_min > last || loaded.contains(&index) {
                continue;
            }
            loaded.push(index);
            base.event_hashes(std::slice::from_ref(part), i64::MIN, i64::MAX, |ts, hash| dedup.add_known(ts, hash))?;
        }
        Ok(())
    }

    fn close(self) -> Result<Vec<FinishedPart>> {
        self.parts.close()
    }
}

/// The parts that one worker writes.
struct Parts {
    /// By date; the last is the one used last.
    open: Vec<(String, PartWriter)>,
    finished: Vec<FinishedPart>,
    ts_max: i64,
}

impl Parts {
    fn new() -> Self {
        let ahead = chrono::Duration::hours(limits::CLOCK_AHEAD_HOURS_MAX);
        Self { open: Vec::new(), finished: Vec::new(), ts_max: (chrono::Utc::now() + ahead).timestamp_micros() }
    }

    /// Writes rows into the parts of their dates.
    fn write(&mut self, pass: &Pass<'_>, rows: &Block, vocabulary: &Vocabulary) -> Result<()> {
        let ts_max = self.ts_max;
        let day_of = |ts: i64| if (TS_MIN..=ts_max).contains(&ts) { ts.div_euclid(DAY_MICROS) } else { 0 };
        let Some((first, last)) = rows.times() else { return Ok(()) };
        let day = day_of(first);
        if day == day_of(last) && (day != 0 || first.div_euclid(DAY_MICROS) == last.div_euclid(DAY_MICROS)) {
            return self.write_day(pass, day, rows, vocabulary);
        }
        let of_rows: Vec<i64> = rows.facts.iter().map(|facts| day_of(facts.ts)).collect();
        let mut days = of_rows.clone();
        days.sort_unstable();
        days.dedup();
        for day in days {
            let mask: Vec<bool> = of_rows.iter().map(|other| *other == day).collect();
            self.write_day(pass, day, &rows.filter(&mask), vocabulary)?;
        }
        Ok(())
    }

    fn write_day(&mut self, pass: &Pass<'_>, day: i64, rows: &Block, vocabulary: &Vocabulary) -> Result<()> {
        let date = match day {
            0 => schema::DATE_OUTLIER.to_owned(),
            day => date(day * DAY_MICROS).unwrap_or_else(|| schema::DATE_OUTLIER.to_owned()),
        };
        let at = self.open.iter().position(|(open, _)| *open == date);
        let mut writer = match at {
            Some(at) => self.open.remove(at).1,
            None => pass.run.part(&date)?,
        };
        writer.write(rows, vocabulary)?;
        if writer.bytes() >= limits::PART_BYTES_MAX {
            self.finished.push(writer.close()?);
        } else {
            self.open.push((date, writer));
        }
        if self.open.len() > limits::OPEN_PARTS_PER_WORKER_MAX {
            let (_, oldest) = self.open.remove(0);
            self.finished.push(oldest.close()?);
        }
        Ok(())
    }

    fn close(mut self) -> Result<Vec<FinishedPart>> {
        for (_, writer) in self.open {
            self.finished.push(writer.close()?);
        }
        Ok(self.finished)
    }
}
