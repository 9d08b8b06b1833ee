//! What each worker does with a chunk: parse, take out duplicates, write the rows into the part of their date.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;

use super::pool::{Pool, Reader, Task};
use super::{Pass, dedup};
use crate::error::{Error, Result};
use crate::event::{Batch, Parser, Place, Reason, Redactor, Reject, date};
use crate::input::{self, Chunk, Ending, Piece};
use crate::lake::{FinishedPart, PartWriter, event_hashes};
use crate::{limits, schema};

const DAY_MICROS: i64 = 86_400_000_000;
/// 2014-01-01, before Kubernetes was: an earlier event has a clock error.
const TS_MIN: i64 = 1_388_534_400_000_000;

/// Reads all steps of the pass with as many workers as the options say; gives the parts that they wrote.
pub(super) fn work(pass: &Pass<'_>) -> Result<Vec<FinishedPart>> {
    let pool = Pool::new(pass.steps.len(), pass.options.threads);
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
    open: Vec<(String, PartWriter)>,
    finished: Vec<FinishedPart>,
    ts_max: i64,
}

impl<'a> Worker<'a> {
    fn new(pass: &'a Pass<'a>, pool: &'a Pool, loaded: &'a Mutex<Vec<usize>>) -> Self {
        let ahead = chrono::Duration::hours(limits::CLOCK_AHEAD_HOURS_MAX);
        Self {
            pass,
            pool,
            loaded,
            parser: Self::parser(pass),
            open: Vec::new(),
            finished: Vec::new(),
            ts_max: (chrono::Utc::now() + ahead).timestamp_micros(),
        }
    }

    fn parser(pass: &Pass<'_>) -> Parser {
        Parser::new(&pass.options.cluster, Redactor::new(pass.key))
    }

    fn work(&mut self) -> Result<()> {
        while let Some(task) = self.pool.take() {
            self.pass.watch.check()?;
            match task {
                Task::Open(step) => {
                    let opened = input::lines(&self.pass.steps[step].source, self.pass.steps[step].skip);
                    match opened {
                        Ok(lines) => self.read(Box::new(Reader { step, lines }))?,
                        Err(error) => self.refuse(step, &error.to_string()),
                    }
                }
                Task::Read(reader) => self.read(reader)?,
            }
        }
        Ok(())
    }

    /// Gives up a source whose reader this worker holds.
    fn refuse(&self, step: usize, reason: &str) {
        self.pass.tally(step).refused.get_or_insert_with(|| reason.to_owned());
        self.pool.closed();
    }

    /// Reads one chunk, lets others read on, and works on the chunk.
    fn read(&mut self, mut reader: Box<Reader>) -> Result<()> {
        let step = reader.step;
        if self.pass.tally(step).refused.is_some() {
            self.pool.closed();
            return Ok(());
        }
        let before = reader.lines.progress().load(Ordering::Relaxed);
        let piece = reader.lines.next_chunk();
        let read = reader.lines.progress().load(Ordering::Relaxed) - before;
        self.pass.watch.file_bytes.fetch_add(read, Ordering::Relaxed);
        match piece {
            Err(error) => self.refuse(step, &error.to_string()),
            Ok(None) => self.end(&reader),
            Ok(Some(Piece::Lines(chunk))) => {
                self.pool.give_back(reader);
                self.chunk(step, &chunk)?;
            }
            Ok(Some(other)) => {
                self.pool.give_back(reader);
                self.oversize(step, &other);
            }
        }
        Ok(())
    }

    /// The source came to its end.
    fn end(&self, reader: &Reader) {
        let (content_bytes, hash) = reader.lines.content();
        let mut tally = self.pass.tally(reader.step);
        tally.account.content_bytes = content_bytes;
        tally.account.content_hash = hash.to_hex().to_string();
        tally.account.skipped_bytes = if reader.lines.skips() { self.pass.steps[reader.step].skip } else { 0 };
        match reader.lines.ending() {
            Ending::Whole => {}
            Ending::Truncated(what) => tally.account.notes.push(format!("cut off: {what}")),
            Ending::Garbage(what) => tally.account.notes.push(what),
        }
        drop(tally);
        self.pool.closed();
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
        let source = &self.pass.steps[step].source.name;
        let place = Place { source, lines_before: chunk.lines_before, offset: chunk.offset };
        let parsed = catch_unwind(AssertUnwindSafe(|| self.parser.parse(&chunk.bytes, place)));
        let Ok(batch) = parsed else {
            self.parser = Self::parser(self.pass);
            let reason = format!("internal error while parsing after line {}; please report it", chunk.lines_before);
            self.pass.tally(step).refused.get_or_insert(reason);
            return Ok(());
        };
        let mut batch = batch?;
        self.pass.watch.lines.fetch_add(batch.lines, Ordering::Relaxed);
        let kept = self.without_duplicates(&batch)?;
        let mut tally = self.pass.tally(step);
        tally.reject(std::mem::take(&mut batch.rejects));
        tally.add(&batch, &kept);
        // its share of rejects counts at the end only: chunks come in any order
        tally.judge(self.pass.options, false);
        if tally.refused.is_some() {
            return Ok(());
        }
        drop(tally);
        self.write(&kept)
    }

    /// The rows that neither this run nor the lake has met.
    fn without_duplicates(&self, batch: &Batch) -> Result<RecordBatch> {
        let times = times(&batch.rows)?;
        let hashes = batch.rows.column_by_name("event_hash").map(AsArray::as_binary::<i32>);
        let Some(hashes) = hashes else { return Ok(batch.rows.clone()) };
        let mut dedup = self.pass.dedup.lock().unwrap_or_else(PoisonError::into_inner);
        self.load_known(&mut dedup, times.values())?;
        let mut any = false;
        let mut mask = Vec::with_capacity(times.len());
        for (ts, hash) in times.values().iter().zip(hashes.iter().flatten()) {
            let hash = hash.try_into().map(u128::from_be_bytes).unwrap_or_default();
            let is_new = dedup.is_new(*ts, hash)?;
            any |= !is_new;
            mask.push(is_new);
        }
        drop(dedup);
        if !any {
            return Ok(batch.rows.clone());
        }
        filter_record_batch(&batch.rows, &BooleanArray::from(mask))
            .map_err(|error| Error::Internal(format!("duplicates: {error}")))
    }

    /// Loads the hashes of the lake's parts that overlap the time of these rows, each part once.
    fn load_known(&self, dedup: &mut dedup::Dedup, times: &[i64]) -> Result<()> {
        let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return Ok(()) };
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, part) in self.pass.run.base().parts().iter().enumerate() {
            if part.ts_max < *first || part.ts_min > *last || loaded.contains(&index) {
                continue;
            }
            loaded.push(index);
            event_hashes(std::slice::from_ref(part), i64::MIN, i64::MAX, |ts, hash| dedup.add_known(ts, hash))?;
        }
        Ok(())
    }

    /// Writes rows into the parts of their dates.
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let times = times(rows)?;
        let day_of = |ts: &i64| if (TS_MIN..=self.ts_max).contains(ts) { ts.div_euclid(DAY_MICROS) } else { 0 };
        let mut days: Vec<i64> = times.values().iter().map(day_of).collect();
        if days.windows(2).all(|pair| pair[0] == pair[1]) {
            return days.first().map_or(Ok(()), |day| self.write_day(*day, rows));
        }
        let of_rows = days.clone();
        days.sort_unstable();
        days.dedup();
        for day in days {
            let mask: BooleanArray = of_rows.iter().map(|other| Some(*other == day)).collect();
            let rows = filter_record_batch(rows, &mask).map_err(|error| Error::Internal(format!("dates: {error}")))?;
            self.write_day(day, &rows)?;
        }
        Ok(())
    }

    fn write_day(&mut self, day: i64, rows: &RecordBatch) -> Result<()> {
        let date = match day {
            0 => schema::DATE_OUTLIER.to_owned(),
            day => date(day * DAY_MICROS).unwrap_or_else(|| schema::DATE_OUTLIER.to_owned()),
        };
        let at = self.open.iter().position(|(open, _)| *open == date);
        let mut writer = match at {
            Some(at) => self.open.remove(at).1,
            None => self.pass.run.part(&date)?,
        };
        writer.write(rows)?;
        if writer.bytes() >= limits::PART_BYTES_MAX {
            self.finished.push(writer.close()?);
        } else {
            self.open.push((date, writer)); // the last is the one used last
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

fn times(rows: &RecordBatch) -> Result<arrow::array::TimestampMicrosecondArray> {
    rows.column_by_name("ts")
        .map(|column| column.as_primitive::<TimestampMicrosecondType>().clone())
        .ok_or_else(|| Error::Internal("a batch without a time".to_owned()))
}
