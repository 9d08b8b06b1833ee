//! Columns of text: those that repeat by the codes of a dictionary, lists of them, and those that hardly repeat.

use parquet::basic::Encoding;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::bits::{put_bits, put_booleans, put_deltas, put_hybrid, put_run, width_of};
use super::pages::{Append, Bounds, Pages, Zip, long};
use crate::block::{Block, Code, Coded, Dictionary, NULL, Plain, Vocabulary, elements, make_room};

/// Longer least and greatest values say nothing worth their place.
const STATISTICS_BYTES_MAX: usize = 256;

/// Appends levels as a data page of version 1 holds them: their length, then the hybrid.
fn put_levels(levels: &[u32], max: i16, out: &mut Vec<u8>) {
    put_measured(out, |out| put_hybrid(levels, width_of(max.unsigned_abs().into()), out));
}

/// Appends what `put` appends, its length in front.
fn put_measured(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    put(out);
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Levels of which each is 1 where there is a value.
pub(super) fn put_presence<T>(
    rows: &[T],
    is_there: impl Fn(&T) -> bool,
    nulls: usize,
    levels: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    let count = rows.len();
    if nulls == 0 || nulls == count {
        return put_same(count, nulls == 0, out);
    }
    levels.clear();
    put_booleans(rows, is_there, levels);
    put_measured(out, |out| put_bits(levels, count, out));
}

/// Levels that all are 1, or all 0.
fn put_same(count: usize, present: bool, out: &mut Vec<u8>) {
    put_measured(out, |out| put_run(count, u32::from(present), 1, out));
}

/// The dictionary of one column of one row group, numbered as its texts come.
#[derive(Default)]
struct Entries {
    /// `PLAIN`: each with its length in front.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Entries {
    fn push(&mut self, text: &[u8]) -> u32 {
        make_room(&mut self.bytes, 4 + text.len());
        self.bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        self.count()
    }

    fn count(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    fn text(&self, entry: usize) -> &[u8] {
        let start = if entry == 0 { 0 } else { self.ends[entry - 1] };
        &self.bytes[start + 4..self.ends[entry]]
    }

    /// The least and greatest of some entries, unless they are too long to be worth it.
    fn range(&self, entries: &(impl Iterator<Item = usize> + Clone)) -> Option<(&[u8], &[u8])> {
        let texts = || entries.clone().map(|entry| self.text(entry));
        texts().min().zip(texts().max()).filter(|(min, max)| min.len().max(max.len()) <= STATISTICS_BYTES_MAX)
    }

    /// Ends the column that the pages are of, and begins anew.
    fn finish(&mut self, pages: &mut Pages, nulls: u64, zip: &mut Zip, append: Append<'_>) -> Result<()> {
        let count = self.ends.len();
        let statistics = text_statistics(self.range(&(0..count)), nulls);
        let encodings = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
        pages.finish(zip, Some((count, &self.bytes)), Some(statistics), &encodings, append)?;
        self.bytes.clear();
        self.ends.clear();
        Ok(())
    }
}

fn text_statistics(range: Option<(&[u8], &[u8])>, nulls: u64) -> Statistics {
    let (min, max) = range.map(|(min, max)| (ByteArray::from(min.to_vec()), ByteArray::from(max.to_vec()))).unzip();
    Statistics::ByteArray(ValueStatistics::new(min, max, None, Some(nulls), false))
}

/// A column of texts by code.
pub(super) struct CodedColumn {
    column: Coded,
    pages: Pages,
    /// Whether each page tells its least and greatest value.
    bounded: bool,
    entries: Entries,
    /// The entry of each code of the vocabulary, from 1; 0 where it has none yet.
    known: Vec<u32>,
    rows: Rows,
    nulls: u64,
}

/// The rows of a page: entries from 1, 0 for NULL. Most columns are the same in many rows, and are counted as long as
/// they are.
#[derive(Default)]
struct Rows {
    /// The entry of the first rows, and how many they are; others only follow.
    run: (u32, usize),
    others: Vec<u32>,
}

impl Rows {
    fn push_run(&mut self, entry: u32, count: usize) {
        if self.run.1 == 0 && self.others.is_empty() {
            self.run.0 = entry;
        }
        if self.others.is_empty() && self.run.0 == entry {
            self.run.1 += count;
        } else {
            self.spread().extend(std::iter::repeat_n(entry, count));
        }
    }

    /// The rows one by one, to append to.
    fn spread(&mut self) -> &mut Vec<u32> {
        let (entry, count) = std::mem::take(&mut self.run);
        if count > 0 {
            self.others.extend(std::iter::repeat_n(entry, count));
        }
        &mut self.others
    }

    fn clear(&mut self) {
        self.run = (0, 0);
        self.others.clear();
    }
}

/// Leaves only the rows that are no NULL, numbered from 0: in place, without a branch that nobody can foresee.
fn drop_nulls(rows: &mut Vec<u32>, nulls: usize) {
    if nulls == 0 {
        return rows.iter_mut().for_each(|entry| *entry = entry.wrapping_sub(1));
    }
    let mut kept = 0;
    for at in 0..rows.len() {
        let entry = rows[at];
        rows[kept] = entry.wrapping_sub(1);
        kept += usize::from(entry != 0);
    }
    rows.truncate(kept);
}

impl CodedColumn {
    pub(super) fn new(column: Coded, pages: Pages, bounded: bool) -> Self {
        Self { column, pages, bounded, entries: Entries::default(), known: Vec::new(), rows: Rows::default(), nulls: 0 }
    }

    pub(super) fn push(&mut self, rows: &[crate::block::Codes], vocabulary: &Vocabulary) {
        let dictionary = vocabulary.dictionary(self.column);
        if self.known.len() <= dictionary.len() {
            self.known.resize(dictionary.len() + 1, 0);
        }
        let Self { entries, known, rows: page, column, .. } = self;
        let mut entry_of = |code: Code| {
            let entry = known[code as usize];
            if entry == 0 && code != NULL { enter(code, dictionary, entries, known) } else { entry }
        };
        let Some(first) = rows.first().map(|codes| codes[*column]) else { return };
        if rows.iter().all(|codes| codes[*column] == first) {
            page.push_run(entry_of(first), rows.len());
        } else {
            page.spread().extend(rows.iter().map(|codes| entry_of(codes[*column])));
        }
    }

    /// Ends the page.
    pub(super) fn flush(&mut self, zip: &mut Zip) -> Result<()> {
        let mut raw = std::mem::take(&mut zip.raw);
        raw.clear();
        let is_nullable = self.pages.max_definition() > 0;
        let width = width_of(self.entries.count().saturating_sub(1)).max(1);
        let Rows { run: (entry, repeats), others } = &mut self.rows;
        let count = *repeats + others.len();
        let is_null = |entry: &u32| *entry == 0;
        let nulls = if others.is_empty() {
            let nulls = if is_null(entry) { count } else { 0 };
            if is_nullable {
                put_same(count, nulls == 0, &mut raw);
            }
            raw.push(width);
            if let Some(entry) = entry.checked_sub(1) {
                others.push(entry);
                put_run(count, entry, width, &mut raw);
            }
            nulls
        } else {
            let nulls = others.iter().filter(|entry| is_null(entry)).count();
            if is_nullable {
                put_presence(others, |entry| !is_null(entry), nulls, &mut zip.levels, &mut raw);
            }
            raw.push(width);
            drop_nulls(others, nulls);
            put_hybrid(others, width, &mut raw);
            nulls
        };
        self.pages.put(zip, &raw, (count, count), Encoding::RLE_DICTIONARY)?;
        zip.raw = raw;
        if self.bounded {
            self.bound(nulls);
        }
        self.nulls += nulls as u64;
        self.rows.clear();
        Ok(())
    }

    /// Tells the least and the greatest of the entries that are left of the rows.
    fn bound(&mut self, nulls: usize) {
        let left = &self.rows.others;
        let mut seen = vec![false; self.entries.ends.len()];
        left.iter().for_each(|entry| seen[*entry as usize] = true);
        let entries = seen.iter().enumerate().filter_map(|(entry, seen)| seen.then_some(entry));
        let range = if left.is_empty() {
            None
        } else {
            // a bound that is too long is cut below, and above there is none: the empty text to the highest character
            let range = self.entries.range(&entries).map(|(min, max)| (min.to_vec(), max.to_vec()));
            Some(range.unwrap_or_else(|| (Vec::new(), "\u{10ffff}".as_bytes().to_vec())))
        };
        self.pages.bound(Bounds { range, nulls: long(nulls) });
    }

    pub(super) fn finish(&mut self, zip: &mut Zip, append: Append<'_>) -> Result<()> {
        self.forget();
        self.entries.finish(&mut self.pages, std::mem::take(&mut self.nulls), zip, append)
    }

    /// The codes mean nothing any more.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.pages.len() + self.entries.bytes.len()
    }
}

#[cold]
fn enter(code: Code, dictionary: &Dictionary, entries: &mut Entries, known: &mut [u32]) -> u32 {
    let entry = entries.push(dictionary.text(code));
    known[code as usize] = entry;
    entry
}

/// A column of lists of texts by code.
pub(super) struct ListColumn {
    column: Coded,
    pages: Pages,
    entries: Entries,
    /// The elements by text: lists are few, their elements fewer.
    elements: Dictionary,
    /// For each code of the vocabulary the entries of its elements, once it was met.
    known: Vec<Option<Box<[u32]>>>,
    definitions: Vec<u32>,
    repetitions: Vec<u32>,
    values: Vec<u32>,
    rows: usize,
    nulls: u64,
}

/// Of a list that may be NULL, with elements that may be NULL: the level of a list that is, and of an element.
const NO_LIST: u32 = 0;
const ELEMENT: u32 = 3;

impl ListColumn {
    pub(super) fn new(column: Coded, pages: Pages) -> Self {
        Self {
            column,
            pages,
            entries: Entries::default(),
            elements: Dictionary::default(),
            known: Vec::new(),
            definitions: Vec::new(),
            repetitions: Vec::new(),
            values: Vec::new(),
            rows: 0,
            nulls: 0,
        }
    }

    pub(super) fn push(&mut self, rows: &[crate::block::Codes], vocabulary: &Vocabulary) {
        let dictionary = vocabulary.dictionary(self.column);
        if self.known.len() <= dictionary.len() {
            self.known.resize(dictionary.len() + 1, None);
        }
        for codes in rows {
            let code = codes[self.column];
            if code == NULL {
                self.definitions.push(NO_LIST);
                self.repetitions.push(0);
                self.nulls += 1;
                continue;
            }
            if self.known[code as usize].is_none() {
                self.known[code as usize] = Some(self.enter(dictionary.text(code)));
            }
            let list = self.known[code as usize].as_deref().unwrap_or_default();
            self.values.extend_from_slice(list);
            self.definitions.extend(list.iter().map(|_| ELEMENT));
            self.repetitions.extend((0..list.len()).map(|at| u32::from(at > 0)));
        }
        self.rows += rows.len();
    }

    #[cold]
    fn enter(&mut self, packed: &[u8]) -> Box<[u32]> {
        let Self { elements: texts, entries, .. } = self;
        let entry = |text| {
            let (code, is_new) = texts.insert(text);
            if is_new {
                entries.push(text);
            }
            code - 1
        };
        elements(packed).map(entry).collect()
    }

    /// Ends the page.
    pub(super) fn flush(&mut self, zip: &mut Zip) -> Result<()> {
        let mut raw = std::mem::take(&mut zip.raw);
        raw.clear();
        put_levels(&self.repetitions, 1, &mut raw);
        put_levels(&self.definitions, self.pages.max_definition(), &mut raw);
        let width = width_of(self.entries.count().saturating_sub(1)).max(1);
        raw.push(width);
        put_hybrid(&self.values, width, &mut raw);
        self.pages.put(zip, &raw, (self.definitions.len(), self.rows), Encoding::RLE_DICTIONARY)?;
        zip.raw = raw;
        self.definitions.clear();
        self.repetitions.clear();
        self.values.clear();
        self.rows = 0;
        Ok(())
    }

    pub(super) fn finish(&mut self, zip: &mut Zip, append: Append<'_>) -> Result<()> {
        self.elements.clear();
        self.forget();
        self.entries.finish(&mut self.pages, std::mem::take(&mut self.nulls), zip, append)
    }

    /// The codes mean nothing any more.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.pages.len() + self.entries.bytes.len()
    }
}

/// A column of texts that hardly repeat: lengths as deltas, then all bytes.
pub(super) struct PlainColumn {
    column: Plain,
    pages: Pages,
    lengths: Vec<Option<u32>>,
    /// Room for what a page has before its texts, then the texts: so that they need not be moved once more.
    page: Vec<u8>,
    nulls: u64,
}

/// Bytes for the levels and lengths of most pages.
const ROOM: usize = 128 << 10;

impl PlainColumn {
    pub(super) fn new(column: Plain, pages: Pages) -> Self {
        Self { column, pages, lengths: Vec::new(), page: vec![0; ROOM], nulls: 0 }
    }

    pub(super) fn push(&mut self, block: &Block) {
        let texts = block.texts(self.column);
        self.lengths.extend_from_slice(texts.lengths());
        make_room(&mut self.page, texts.bytes().len());
        self.page.extend_from_slice(texts.bytes());
    }

    /// Ends the page.
    pub(super) fn flush(&mut self, zip: &mut Zip) -> Result<()> {
        let mut head = std::mem::take(&mut zip.raw);
        let count = self.lengths.len();
        let lengths = &mut zip.numbers;
        lengths.clear();
        lengths.extend(self.lengths.iter().flatten().map(|length| i64::from(*length)));
        let nulls = count - lengths.len();
        head.clear();
        put_presence(&self.lengths, Option::is_some, nulls, &mut zip.levels, &mut head);
        put_deltas(lengths, &mut head);
        let start = if let Some(start) = ROOM.checked_sub(head.len()) {
            self.page[start..ROOM].copy_from_slice(&head);
            start
        } else {
            self.page.splice(..ROOM, head.iter().copied());
            0
        };
        zip.raw = head;
        self.nulls += nulls as u64;
        self.pages.put(zip, &self.page[start..], (count, count), Encoding::DELTA_LENGTH_BYTE_ARRAY)?;
        self.lengths.clear();
        self.page.truncate(ROOM);
        Ok(())
    }

    pub(super) fn finish(&mut self, zip: &mut Zip, append: Append<'_>) -> Result<()> {
        let statistics = text_statistics(None, std::mem::take(&mut self.nulls));
        self.pages.finish(zip, None, Some(statistics), &[Encoding::RLE, Encoding::DELTA_LENGTH_BYTE_ARRAY], append)
    }

    pub(super) fn len(&self) -> usize {
        self.pages.len() + self.pending()
    }

    /// Bytes that wait for the end of the page.
    pub(super) fn pending(&self) -> usize {
        self.page.len() - ROOM
    }
}
