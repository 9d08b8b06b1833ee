//! Columns of numbers: times, lines, status codes, flags and hashes.

use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::statistics::Statistics;

use super::bits::{put_booleans, put_deltas, put_deltas32};
use super::pages::{Append, Bounds, Pages, Zip, long};
use super::texts::put_presence;
use crate::block::{Facts, Stored};

/// The length of an `event_hash`.
const HASH_BYTES: i64 = 16;

/// A column of integers, as deltas.
pub(super) struct NumberColumn {
    stored: Stored,
    pages: Pages,
    /// Whether each page tells its least and greatest value.
    bounded: bool,
    rows: Vec<Option<i64>>,
    range: Option<(i64, i64)>,
    nulls: u64,
}

impl NumberColumn {
    pub(super) fn new(stored: Stored, pages: Pages, bounded: bool) -> Self {
        Self { stored, pages, bounded, rows: Vec::new(), range: None, nulls: 0 }
    }

    pub(super) fn push(&mut self, rows: &[Facts]) {
        match self.stored {
            Stored::Ts => self.rows.extend(rows.iter().map(|row| Some(row.ts))),
            Stored::StageTs => self.rows.extend(rows.iter().map(|row| row.stage_ts)),
            Stored::ResponseCode => self.rows.extend(rows.iter().map(|row| row.response_code.map(i64::from))),
            _ => self.rows.extend(rows.iter().map(|row| Some(row.line))),
        }
    }

    /// Ends the page.
    pub(super) fn flush(&mut self, zip: &mut Zip) -> Result<()> {
        let mut raw = std::mem::take(&mut zip.raw);
        let count = self.rows.len();
        let mut values = std::mem::take(&mut zip.numbers);
        values.clear();
        values.extend(self.rows.iter().flatten());
        let nulls = count - values.len();
        raw.clear();
        if self.pages.max_definition() > 0 {
            put_presence(&self.rows, Option::is_some, nulls, &mut zip.levels, &mut raw);
        }
        let put = if self.is_narrow() { put_deltas32 } else { put_deltas };
        put(&values, &mut raw);
        self.pages.put(zip, &raw, (count, count), Encoding::DELTA_BINARY_PACKED)?;
        zip.raw = raw;
        let range = values.iter().copied().min().zip(values.iter().copied().max());
        zip.numbers = values;
        if self.bounded {
            let encoded = range.map(|(min, max)| (min.to_le_bytes().to_vec(), max.to_le_bytes().to_vec()));
            self.pages.bound(Bounds { range: encoded, nulls: long(nulls) });
        }
        self.range = match (self.range, range) {
            (Some((min, max)), Some((low, high))) => Some((min.min(low), max.max(high))),
            (known, new) => known.or(new),
        };
        self.nulls += nulls as u64;
        self.rows.clear();
        Ok(())
    }

    fn is_narrow(&self) -> bool {
        self.stored == Stored::ResponseCode
    }

    pub(super) fn finish(&mut self, zip: &mut Zip, append: Append<'_>) -> Result<()> {
        let (min, max) = self.range.take().unzip();
        let nulls = Some(std::mem::take(&mut self.nulls));
        let statistics = if self.is_narrow() {
            let narrow = |value: Option<i64>| value.and_then(|value| i32::try_from(value).ok());
            Statistics::int32(narrow(min), narrow(max), None, nulls, false)
        } else {
            Statistics::int64(min, max, None, nulls, false)
        };
        self.pages.finish(zip, None, Some(statistics), &[Encoding::RLE, Encoding::DELTA_BINARY_PACKED], append)
    }

    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }
}

/// A column of booleans.
pub(super) struct FlagColumn {
    stored: Stored,
    pages: Pages,
    rows: Vec<bool>,
    seen: [bool; 2],
}

impl FlagColumn {
    pub(super) fn new(stored: Stored, pages: Pages) -> Self {
        Self { stored, pages, rows: Vec::new(), seen: [false; 2] }
    }

    pub(super) fn push(&mut self, rows: &[Facts]) {
        let is_truncated = self.stored == Stored::Truncated;
        self.rows.extend(rows.iter().map(|row| if is_truncated { row.truncated } else { row.source_ips_disagree }));
    }

    /// Ends the page.
    pub(super) fn flush(&mut self, zip: &mut Zip) -> Result<()> {
        let mut raw = std::mem::take(&mut zip.raw);
        raw.clear();
        put_booleans(&self.rows, |row| *row, &mut raw);
        self.pages.put(zip, &raw, (self.rows.len(), self.rows.len()), Encoding::PLAIN)?;
        zip.raw = raw;
        self.rows.iter().for_each(|row| self.seen[usize::from(*row)] = true);
        self.rows.clear();
        Ok(())
    }

    pub(super) fn finish(&mut self, zip: &mut Zip, append: Append<'_>) -> Result<()> {
        let [no, yes] = std::mem::take(&mut self.seen);
        let range = if no || yes { (Some(!no), Some(yes)) } else { (None, None) };
        let statistics = Statistics::boolean(range.0, range.1, None, Some(0), false);
        self.pages.finish(zip, None, Some(statistics), &[Encoding::PLAIN], append)
    }

    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }
}

/// The column of hashes: 16 bytes each, which nothing makes smaller.
pub(super) struct HashColumn {
    pages: Pages,
    rows: Vec<u8>,
}

impl HashColumn {
    pub(super) fn new(pages: Pages) -> Self {
        Self { pages, rows: Vec::new() }
    }

    pub(super) fn push(&mut self, rows: &[Facts]) {
        rows.iter().for_each(|row| self.rows.extend_from_slice(&row.event_hash.to_be_bytes()));
    }

    /// Ends the page.
    pub(super) fn flush(&mut self, zip: &mut Zip) -> Result<()> {
        let mut raw = std::mem::take(&mut zip.raw);
        let count = self.rows.len() / size_of::<u128>();
        raw.clear();
        zip.numbers.clear();
        zip.numbers.resize(count, HASH_BYTES);
        put_deltas(&zip.numbers, &mut raw);
        raw.extend_from_slice(&self.rows);
        self.pages.put(zip, &raw, (count, count), Encoding::DELTA_LENGTH_BYTE_ARRAY)?;
        zip.raw = raw;
        self.rows.clear();
        Ok(())
    }

    pub(super) fn finish(&mut self, zip: &mut Zip, append: Append<'_>) -> Result<()> {
        self.pages.finish(zip, None, None, &[Encoding::DELTA_LENGTH_BYTE_ARRAY], append)
    }

    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }
}
