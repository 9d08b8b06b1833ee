//! The lake as its callers see it. What a crash leaves is in `fault`, damage and its repair in `damage`, the table of
//! findings in `findings`, a lake on an object store in `remote`.

mod damage;
mod fault;
mod findings;
mod remote;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::*;
use crate::account::{Account, Outcome};
use crate::block::{Block, Coded, Codes, Facts, Plain, Vocabulary};
use crate::part::Part;
use crate::schema::{self, COLUMNS};

const EVENTS: Which = Which::Events;

/// 2026-03-01T00:00:00.000001Z: the microsecond must survive.
const DAY_1: i64 = 1_772_323_200_000_001;
const DAY_2: i64 = DAY_1 + 86_400_000_000;

/// Rows at the given times, whose event hash is `hash` and the numbers after it.
fn rows(times: &[i64], hash: u128) -> (Block, Vocabulary) {
    let (mut block, mut vocabulary) = (Block::default(), Vocabulary::default());
    let required = COLUMNS.iter().filter(|column| !column.nullable).map(|column| column.name);
    let required: Vec<Coded> =
        required.filter_map(|name| Coded::ALL.iter().copied().find(|coded| coded.name() == name)).collect();
    for ((line, ts), event_hash) in (1..).zip(times).zip(hash..) {
        let mut codes = Codes::default();
        required.iter().for_each(|column| codes[*column] = vocabulary.code(*column, "x"));
        block.codes.push(codes);
        block.facts.push(Facts {
            ts: *ts,
            stage_ts: None,
            response_code: None,
            line,
            event_hash,
            source_ips_disagree: false,
            truncated: false,
        });
        Plain::ALL.iter().for_each(|column| block.texts_mut(*column).push(None));
    }
    (block, vocabulary)
}

/// The same rows as a batch.
fn batch(times: &[i64], hash: u128) -> RecordBatch {
    let (block, vocabulary) = rows(times, hash);
    block.to_batch(&vocabulary).unwrap()
}

fn write(part: &mut PartWriter, times: &[i64], hash: u128) -> Result<()> {
    let (block, vocabulary) = rows(times, hash);
    part.write(&block, &vocabulary)
}

fn account(source: &str, rows: u64) -> Account {
    let hash = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    Account {
        source: source.to_owned(),
        file_bytes: 10,
        modified_ns: 20,
        content_bytes: 30,
        content_hash: hash(source),
        head_bytes: 4,
        head_hash: hash("head"),
        lines: rows,
        rows,
        ..Account::default()
    }
}

fn lake() -> (TempDir, Lake) {
    let folder = TempDir::new().unwrap();
    let lake = Lake::create_or_open(folder.path().join("lake")).unwrap();
    (folder, lake)
}

/// Ingests two rows of each of two days as `source`, and a reject.
fn ingest(run: Run, source: &str, hash: u128) -> Result<Option<Commit>> {
    ingest_on(run, source, hash, [("2026-03-01", DAY_1), ("2026-03-02", DAY_2)])
}

fn ingest_on(run: Run, source: &str, hash: u128, days: [(&str, i64); 2]) -> Result<Option<Commit>> {
    let mut parts = Vec::new();
    for ((date, ts), hash) in days.into_iter().zip([hash, hash + 2]) {
        let mut part = run.part(date)?;
        write(&mut part, &[ts, ts + 5], hash)?;
        parts.push(part.close()?);
    }
    run.quarantine(&batch(&[DAY_1], 0))?;
    run.commit(parts, &[account(source, 4)])
}

/// The event hashes of everything in a snapshot, sorted.
fn hashes(snapshot: &Snapshot) -> Vec<u128> {
    let mut hashes = Vec::new();
    snapshot
        .event_hashes(snapshot.parts(), i64::MIN, i64::MAX, |_, hash| {
            hashes.push(hash);
            Ok(())
        })
        .unwrap();
    hashes.sort_unstable();
    hashes
}

fn parquet(path: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(path).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect()
}

/// All files and folders below `root`, relative.
fn tree(root: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(root).sort_by_file_name();
    walk.into_iter().map(|entry| entry.unwrap().path().strip_prefix(root).unwrap().to_owned()).collect()
}

#[test]
fn what_was_written_is_read_back() {
    let (_folder, lake) = lake();
    let commit = ingest(lake.begin().unwrap(), "a.log", 100).unwrap().unwrap();
    let snapshot = lake.snapshot().unwrap();
    assert_eq!(snapshot.version(), commit.version);
    assert_eq!(commit.version, 1);
    let [first, second] = snapshot.parts() else { panic!("{:?}", snapshot.parts()) };
    assert_eq!((first.date.as_str(), first.rows, first.ts_min, first.ts_max), ("2026-03-01", 2, DAY_1, DAY_1 + 5));
    assert_eq!((second.date.as_str(), second.rows, second.ts_min, second.ts_max), ("2026-03-02", 2, DAY_2, DAY_2 + 5));
    assert!(first.path.is_absolute());
    assert_eq!(parquet(&first.path), [batch(&[DAY_1, DAY_1 + 5], 100)]);
    assert_eq!(hashes(&snapshot), [100, 101, 102, 103]);
}

#[test]
fn a_pinned_version_does_not_move_when_another_run_commits() {
    let (_folder, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    let pinned = lake.snapshot().unwrap();
    let (parts, status) = (pinned.parts().to_vec(), pinned.status().unwrap());
    ingest(lake.begin().unwrap(), "b.log", 200).unwrap();
    assert_eq!(pinned.parts(), parts);
    assert_eq!(pinned.status().unwrap(), status);
    assert_eq!(hashes(&pinned), [100, 101, 102, 103]);
    assert_eq!(hashes(&lake.snapshot().unwrap()), [100, 101, 102, 103, 200, 201, 202, 203]);
}

#[test]
fn the_ledger_knows_what_committed_runs_ingested() {
    let (_folder, lake) = lake();
    assert!(!lake.snapshot().unwrap().ledger().unwrap().knows(&account("a.log", 4).content_hash, 30));
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    ingest(lake.begin().unwrap(), "b.log", 200).unwrap();
    let ledger = lake.snapshot().unwrap().ledger().unwrap();
    assert!(ledger.knows(&account("a.log", 4).content_hash, 30));
    assert_eq!(ledger.accounts().map(|account| account.source.as_str()).collect::<Vec<_>>(), ["b.log", "a.log"]);
    assert_eq!(ledger.same_state("a.log", 10, 20), Some(&account("a.log", 4)));
    assert_eq!(ledger.candidates(b"head and more").len(), 2);
}

#[test]
fn a_night_that_is_known_commits_nothing() {
    let (_folder, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    let before = tree(lake.root());
    for outcome in [Outcome::Known, Outcome::Shrunk, Outcome::Refused] {
        let known = Account { outcome, ..account("a.log", 0) };
        assert_eq!(lake.begin().unwrap().commit(Vec::new(), &[known]).unwrap(), None);
    }
    assert_eq!(tree(lake.root()), before);
}

#[test]
fn a_new_source_without_rows_is_remembered() {
    let (_folder, lake) = lake();
    assert!(lake.begin().unwrap().commit(Vec::new(), &[account("empty.log", 0)]).unwrap().is_some());
    let snapshot = lake.snapshot().unwrap();
    assert!(snapshot.ledger().unwrap().knows(&account("empty.log", 0).content_hash, 30));
    assert_eq!(snapshot.parts(), []);
}

#[test]
fn a_known_source_in_a_known_state_does_not_grow_the_ledger() {
    let (_folder, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    let known = Account { outcome: Outcome::Known, ..account("a.log", 0) };
    let moved = Account { outcome: Outcome::Known, modified_ns: 21, ..account("a.log", 0) };
    lake.begin().unwrap().commit(Vec::new(), &[known, moved.clone(), account("b.log", 0)]).unwrap();
    let ledger = lake.snapshot().unwrap().ledger().unwrap();
    assert_eq!(ledger.accounts().count(), 3);
    assert_eq!(ledger.same_state("a.log", 10, 21), Some(&moved));
}

#[test]
fn status_adds_up_what_was_ingested() {
    let (_folder, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    let run = lake.begin().unwrap();
    let mut part = run.part(schema::DATE_OUTLIER).unwrap();
    write(&mut part, &[7], 300).unwrap();
    let mut b = Account { lines: 4, blanks: 1, duplicates: 1, ..account("b.log", 1) };
    b.rejects.insert("not_json".to_owned(), 1);
    let refused = Account { outcome: Outcome::Refused, ..account("c.log", 9) };
    run.commit(vec![part.close().unwrap()], &[b, refused]).unwrap();
    let status = lake.status().unwrap();
    assert_eq!((status.version, status.parts, status.rows, status.runs, status.sources), (2, 3, 5, 2, 2));
    assert_eq!((status.first_ts, status.last_ts), (Some(DAY_1), Some(DAY_2 + 5)));
    assert_eq!(status.dates, ["1970-01-01", "2026-03-01", "2026-03-02"]);
    let totals = status.totals;
    assert_eq!((totals.lines, totals.rows, totals.rejected(), totals.blanks, totals.duplicates), (8, 5, 1, 1, 1));
}

#[test]
fn a_run_that_is_dropped_leaves_nothing() {
    let (_folder, lake) = lake();
    let before = tree(lake.root());
    let run = lake.begin().unwrap();
    let mut part = run.part("2026-03-01").unwrap();
    write(&mut part, &[DAY_1], 1).unwrap();
    part.close().unwrap();
    run.quarantine(&batch(&[DAY_1], 1)).unwrap();
    assert_ne!(tree(lake.root()), before);
    drop(run);
    let after: Vec<_> = tree(lake.root()).into_iter().filter(|path| path != Path::new("_lock")).collect();
    assert_eq!(after, before);
}

#[test]
fn rejects_are_kept_with_the_run() {
    let (_folder, lake) = lake();
    let run = lake.begin().unwrap();
    let id = run.id();
    ingest(run, "a.log", 100).unwrap();
    assert!(lake.root().join(format!("_quarantine/{id}.parquet")).metadata().unwrap().len() > 0);
    assert!(lake.root().join(format!("_ledger/{id}.ndjson")).exists());
    assert!(!lake.root().join(format!("events/_tmp/run-{id}")).exists());
}

#[test]
fn accounts_that_do_not_add_up_are_not_committed() {
    let (_folder, lake) = lake();
    let lost_line = Account { lines: 5, ..account("a.log", 4) };
    assert!(matches!(lake.begin().unwrap().commit(Vec::new(), &[lost_line]), Err(Error::Internal(_))));
    let lost_rows = account("a.log", 4);
    assert!(matches!(lake.begin().unwrap().commit(Vec::new(), &[lost_rows]), Err(Error::Internal(_))));
    assert_eq!(lake.snapshot().unwrap().version(), 0);
}

#[test]
fn a_part_needs_a_real_date() {
    let (_folder, lake) = lake();
    let run = lake.begin().unwrap();
    assert!(matches!(run.part("../2026-03-01"), Err(Error::Internal(_))));
}

#[test]
fn a_part_knows_its_size_before_it_is_closed() {
    let (_folder, lake) = lake();
    let run = lake.begin().unwrap();
    let mut part = run.part("2026-03-01").unwrap();
    let empty = part.bytes();
    write(&mut part, &[DAY_1; 1000], 1).unwrap();
    assert!(part.bytes() > empty + 16_000, "{} bytes", part.bytes());
    assert_eq!(part.rows(), 1000);
    let closed = part.close().unwrap();
    assert_eq!(closed.bytes(), closed.path.metadata().unwrap().len());
}

#[test]
fn a_held_lake_answers_busy_at_once_and_names_the_holder() {
    let (_folder, lake) = lake();
    let run = lake.begin().unwrap();
    let again = Lake::open(lake.root()).unwrap();
    for error in [again.begin().unwrap_err(), again.repair().unwrap_err()] {
        assert_eq!(error.exit_code(), 7);
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    }
    again.snapshot().unwrap();
    drop(run);
    again.begin().unwrap();
}

#[test]
fn two_writers_without_a_working_lock_both_commit() {
    let (_folder, lake) = lake();
    let runs: Vec<_> = (0..4).map(|_| Run::begin(&lake.layout, &lake.disk, None).unwrap()).collect();
    std::thread::scope(|scope| {
        for (run, at) in runs.into_iter().zip(0_u8..) {
            scope.spawn(move || ingest(run, &format!("{at}.log"), 1000 * u128::from(at)).unwrap().unwrap());
        }
    });
    let snapshot = lake.snapshot().unwrap();
    assert_eq!(snapshot.version(), 4);
    assert_eq!(hashes(&snapshot).len(), 16);
    assert_eq!(snapshot.ledger().unwrap().accounts().count(), 4);
}

#[test]
fn two_writers_of_one_source_commit_it_once() {
    let (_folder, lake) = lake();
    let second = Run::begin(&lake.layout, &lake.disk, None).unwrap();
    ingest(Run::begin(&lake.layout, &lake.disk, None).unwrap(), "a.log", 100).unwrap();
    let error = ingest(second, "a.log", 100).unwrap_err();
    assert_eq!(error.exit_code(), 7, "{error}");
    assert_eq!(hashes(&lake.snapshot().unwrap()), [100, 101, 102, 103]);
    assert_eq!(tree(&lake.root().join("_ledger")).len(), 2, "the folder and one ledger");
}

#[test]
fn a_foreign_parquet_file_is_no_part() {
    let (_folder, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    let part = lake.snapshot().unwrap().parts()[0].path.clone();
    std::fs::copy(&part, part.with_file_name("part-evil.parquet")).unwrap();
    assert_eq!(hashes(&lake.snapshot().unwrap()), [100, 101, 102, 103]);
    lake.begin().unwrap();
    assert!(part.with_file_name("part-evil.parquet").exists(), "what is not ours is not removed");
}

#[test]
fn hashes_are_of_the_rows_in_the_window_both_ends_included() {
    let (_folder, lake) = lake();
    let run = lake.begin().unwrap();
    let mut part = run.part("2026-03-01").unwrap();
    write(&mut part, &[DAY_1, DAY_1 + 1, DAY_1 + 2, DAY_1 + 3], 10).unwrap();
    run.commit(vec![part.close().unwrap()], &[account("a.log", 4)]).unwrap();
    let snapshot = lake.snapshot().unwrap();
    let window = |from, to| {
        let mut found = Vec::new();
        snapshot
            .event_hashes(snapshot.parts(), from, to, |_, hash| {
                found.push(hash);
                Ok(())
            })
            .unwrap();
        found
    };
    assert_eq!(window(DAY_1 + 1, DAY_1 + 2), [11, 12]);
    assert_eq!(window(DAY_1 + 3, i64::MAX), [13]);
    assert_eq!(window(DAY_1 + 4, i64::MAX), [0; 0]);
}

#[test]
fn row_groups_outside_the_window_are_not_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("part.parquet");
    let properties =
        parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, schema::events(), Some(properties)).unwrap();
    writer.write(&batch(&[1, 2, 3, 4], 10)).unwrap();
    let metadata = writer.close().unwrap();
    // break the event hashes of the first row group
    let column = metadata.row_group(0).column(schema::index_of("event_hash").unwrap());
    let (start, length) =
        metadata.row_group(0).columns().iter().find(|c| c.column_path() == column.column_path()).unwrap().byte_range();
    let mut bytes = std::fs::read(&path).unwrap();
    let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(start + length).unwrap());
    bytes[start..end].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    let part =
        Part { path, key: String::new(), bytes: 0, rows: 4, date: "1970-01-01".to_owned(), ts_min: 1, ts_max: 4 };
    let mut found = Vec::new();
    let disk = Disk::default();
    read::event_hashes(&disk, std::slice::from_ref(&part), 3, 4, |_, hash| {
        found.push(hash);
        Ok(())
    })
    .unwrap();
    assert_eq!(found, [12, 13]);
    let error = read::event_hashes(&disk, &[part], 2, 3, |_, _| Ok(())).unwrap_err();
    assert_eq!(error.exit_code(), 6, "{error}");
}

fn all_is_private(lake: &Lake) {
    for path in tree(lake.root()) {
        let metadata = lake.root().join(&path).metadata().unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode, if metadata.is_dir() { 0o700 } else { 0o600 }, "{} has mode {mode:o}", path.display());
    }
}

#[test]
fn everything_is_private() {
    let (_folder, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    all_is_private(&lake);
}

#[test]
fn everything_is_private_whatever_the_umask() {
    let child = std::process::Command::new("sh")
        .args(["-c", r#"umask 000; exec "$0" --exact lake::tests::everything_is_private"#])
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

#[test]
fn an_empty_folder_becomes_a_private_lake() {
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let lake = Lake::create_or_open(folder.path()).unwrap();
    assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(lake.snapshot().unwrap().version(), 0);
}

#[test]
fn the_key_stays_the_same_and_differs_between_lakes() {
    let ((_a, one), (_b, other)) = (lake(), lake());
    let key = one.redaction_key().unwrap();
    assert_eq!(Lake::create_or_open(one.root()).unwrap().redaction_key().unwrap(), key);
    assert_ne!(other.redaction_key().unwrap(), key);
}

#[test]
fn folders_that_are_no_lake_are_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "x").unwrap();
    for error in [
        Lake::create_or_open(folder.path()).unwrap_err(),
        Lake::open(folder.path()).unwrap_err(),
        Lake::open(folder.path().join("missing")).unwrap_err(),
        Lake::create_or_open("/").unwrap_err(),
    ] {
        assert_eq!(error.exit_code(), 2, "{error}");
    }
    assert_eq!(tree(folder.path()).len(), 2);
}

#[test]
fn a_lake_of_a_later_schema_is_refused() {
    let (_folder, lake) = lake();
    let marker = format!(r#"{{"schema_version":{},"created":""}}"#, schema::SCHEMA_VERSION + 1);
    std::fs::write(lake.layout.marker(), marker).unwrap();
    for error in [Lake::open(lake.root()).unwrap_err(), Lake::create_or_open(lake.root()).unwrap_err()] {
        assert_eq!(error.exit_code(), 2, "{error}");
    }
}

#[test]
fn a_lake_may_lie_at_an_odd_path_and_be_used_within_a_runtime() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("a b%20#?é\n").join("deep");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let lake = Lake::create_or_open(&root).unwrap();
        ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
        assert_eq!(hashes(&Lake::open(&root).unwrap().snapshot().unwrap()).len(), 4);
    });
}

#[test]
fn empty_folders_that_git_lost_are_made_again() {
    let (_folder, lake) = lake();
    ingest(lake.begin().unwrap(), "a.log", 100).unwrap();
    std::fs::remove_dir_all(lake.layout.tmp()).unwrap();
    std::fs::remove_dir_all(lake.layout.quarantines()).unwrap();
    assert_eq!(lake.snapshot().unwrap().version(), 1);
    ingest(lake.begin().unwrap(), "b.log", 200).unwrap();
    assert_eq!(lake.snapshot().unwrap().version(), 2);
}
