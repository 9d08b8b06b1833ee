//! What the encoder writes, the `parquet` crate reads back.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;

use super::*;
use crate::block::{Coded, Codes, Facts, Plain};
use crate::schema::COLUMNS;

fn index(number: i64) -> usize {
    usize::try_from(number).unwrap()
}

/// Rows that have every kind of value: NULL, empty, long, one for all and one for each.
fn block(rows: std::ops::Range<i64>, vocabulary: &mut Vocabulary) -> Block {
    let mut block = Block::default();
    let is_required = |name: &str| COLUMNS.iter().any(|column| column.name == name && !column.nullable);
    let is_list = |name: &str| COLUMNS.iter().any(|column| column.name == name && column.kind == schema::Kind::Texts);
    for row in rows {
        let mut codes = Codes::default();
        for (number, column) in (0_i64..).zip(Coded::ALL) {
            let distinct = [1, 2, 300, 70_000][index(number % 4)];
            let text = format!("{}-{}", column.name(), row * 7 % distinct);
            let is_null = !is_required(column.name()) && (number % 5 == 4 || row % 11 < number % 5);
            codes[*column] = match is_null {
                true => crate::block::NULL,
                false if is_list(column.name()) => {
                    vocabulary.code_of_list(*column, &["a", "", &text][..=index(row % 3)])
                }
                false => vocabulary.code(*column, &text),
            };
        }
        block.codes.push(codes);
        block.facts.push(Facts {
            ts: 1_772_323_200_000_000 + row * 997 - (row % 3) * 5_000,
            stage_ts: (row % 4 > 0).then_some(row << (row % 50)),
            response_code: [Some(200), Some(i32::MIN), None, Some(i32::MAX)][index(row % 4)],
            line: row,
            event_hash: (u128::MAX / 3).wrapping_mul(row.unsigned_abs().into()),
            source_ips_disagree: row % 3 == 0,
            truncated: false,
        });
        for (number, column) in (0_i64..).zip(Plain::ALL) {
            let text = format!("{row}é").repeat(index(number * (row % 40)));
            block.texts_mut(*column).push((row % 5 != number).then_some(text.as_bytes()));
        }
    }
    block
}

fn read(file: Bytes) -> (RecordBatch, Arc<parquet::file::metadata::ParquetMetaData>) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    assert_eq!(builder.schema().fields(), schema::events().fields());
    let metadata = Arc::clone(builder.metadata());
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    (concat_batches(&batches[0].schema(), &batches).unwrap(), metadata)
}

/// Blocks of `sizes` rows, as written and as expected.
fn write(sizes: &[i64], clear_before: Option<usize>) -> (Bytes, RecordBatch) {
    let mut vocabulary = Vocabulary::default();
    let mut writer = EventsWriter::new(Vec::new()).unwrap();
    let (mut expected, mut row) = (Vec::new(), 0);
    for (number, size) in sizes.iter().enumerate() {
        if clear_before == Some(number) {
            vocabulary.clear();
        }
        let block = block(row..row + size, &mut vocabulary);
        row += size;
        writer.write(&block, &vocabulary).unwrap();
        expected.push(block.to_batch(&vocabulary).unwrap());
    }
    assert_eq!(writer.finish().unwrap(), row);
    (writer.inner().clone().into(), concat_batches(&schema::events(), &expected).unwrap())
}

#[test]
fn every_column_reads_back_as_written() {
    for sizes in [&[1][..], &[7], &[9, 1, 3], &[5_000, 20_000, 40]] {
        let (file, expected) = write(sizes, None);
        assert_eq!(read(file).0.columns(), expected.columns(), "{sizes:?}");
    }
}

#[test]
fn a_vocabulary_that_is_cleared_between_blocks_changes_nothing() {
    let (file, expected) = write(&[3_000, 3_000], Some(1));
    assert_eq!(read(file).0.columns(), expected.columns());
}

#[test]
fn statistics_hold_the_least_and_greatest_values() {
    let (file, expected) = write(&[30_000, 10_000], None);
    let (_, metadata) = read(file);
    let at = |name: &str| schema::index_of(name).unwrap();
    let group = metadata.row_group(0);
    let times = group.column(at("ts")).statistics().unwrap();
    let column = expected.column(at("ts"));
    let times_of = arrow::array::AsArray::as_primitive::<arrow::datatypes::TimestampMicrosecondType>(column);
    assert_eq!(times.min_bytes_opt().unwrap(), arrow::compute::min(times_of).unwrap().to_le_bytes());
    assert_eq!(times.max_bytes_opt().unwrap(), arrow::compute::max(times_of).unwrap().to_le_bytes());
    for name in ["verb", "actor"] {
        let texts = arrow::array::AsArray::as_string::<i32>(expected.column(at(name)));
        // lists of leaf columns and of fields are the same here: each list has one leaf
        let statistics = group.column(at(name)).statistics().unwrap();
        assert_eq!(statistics.min_bytes_opt().unwrap(), texts.iter().flatten().min().unwrap().as_bytes(), "{name}");
        assert_eq!(statistics.max_bytes_opt().unwrap(), texts.iter().flatten().max().unwrap().as_bytes(), "{name}");
        let nulls = arrow::array::Array::null_count(texts) as u64;
        assert_eq!(statistics.null_count_opt(), Some(nulls), "{name}");
    }
}

#[test]
fn long_texts_that_do_not_repeat_end_a_row_group_before_they_fill_the_memory() {
    let mut writer = EventsWriter::new(Vec::new()).unwrap();
    let mut vocabulary = Vocabulary::default();
    let long = "x".repeat(8 << 20);
    for row in 0..20 {
        let mut block = block(row..row + 1, &mut vocabulary);
        block.codes[0][Coded::RequestUri] = vocabulary.code(Coded::RequestUri, &format!("{row}{long}"));
        writer.write(&block, &vocabulary).unwrap();
        assert!(writer.pending() <= ROW_GROUP_BYTES_MAX, "{} bytes", writer.pending());
        vocabulary.clear();
    }
    assert_eq!(writer.finish().unwrap(), 20);
}

#[test]
fn a_page_with_more_lengths_than_it_has_room_for_reads_back() {
    const ROWS: usize = 150_000;
    let mut vocabulary = Vocabulary::default();
    let one = block(0..1, &mut vocabulary);
    let mut many = Block { codes: vec![one.codes[0]; ROWS], facts: vec![one.facts[0]; ROWS], ..Block::default() };
    for column in Plain::ALL {
        // each length differs from the one before by a number that takes eight bits
        let long = if *column == Plain::Extra { &[b'x'; 120][..] } else { b"" };
        (0..ROWS).for_each(|row| many.texts_mut(*column).push(Some(if row % 2 == 0 { b"" } else { long })));
    }
    let mut writer = EventsWriter::new(Vec::new()).unwrap();
    writer.write(&many, &vocabulary).unwrap();
    writer.finish().unwrap();
    let (rows, _) = read(writer.inner().clone().into());
    assert_eq!(rows.columns(), many.to_batch(&vocabulary).unwrap().columns());
}
