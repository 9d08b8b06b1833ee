//! Death at any moment: a run that was killed leaves nothing that a later run does not clean up.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use arrow::row::{RowConverter, SortField};
use kubesift::generate::Attack;

use crate::rig::{Scratch, files_below, gzip, log};

/// Looks that are taken before the test gives up waiting: minutes on any machine.
const LOOKS_MAX: usize = 20_000_000;

/// What all rows are, whatever their order: the sum of the hashes of every column of each.
fn rows_hash(scratch: &Scratch) -> (usize, u128) {
    let (mut rows, mut sum) = (0, 0_u128);
    for batch in scratch.rows() {
        let fields = batch.columns().iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let converter = RowConverter::new(fields).unwrap();
        for row in &converter.convert_columns(batch.columns()).unwrap() {
            let hash = blake3::hash(row.as_ref());
            sum = sum.wrapping_add(u128::from_le_bytes(hash.as_bytes()[..16].try_into().unwrap()));
            rows += 1;
        }
    }
    (rows, sum)
}

/// The folders that runs are writing to.
fn runs(lake: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(lake.join("events/_tmp")) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("run-")).collect()
}

/// The bytes of the parts that runs have begun.
fn bytes_begun(lake: &Path) -> u64 {
    let files = runs(lake).into_iter().filter_map(|run| fs::read_dir(run).ok()).flatten();
    files.filter_map(|file| file.ok()?.metadata().ok()).filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

/// Starts a run and kills it once `is_time`. Whether it was still alive.
fn kill_when(scratch: &Scratch, is_time: impl Fn(&Path) -> bool) -> bool {
    let mut command = scratch.command(["ingest", "logs", "--lake", "lake"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let lake = scratch.path("lake");
    for _ in 0..LOOKS_MAX {
        if is_time(&lake) || child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap().signal() == Some(9)
}

fn copy_folder(from: &Path, to: &Path) {
    for file in files_below(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

#[test]
fn a_run_that_is_killed_twice_ends_as_if_nothing_had_happened() {
    let text = log(12_000, &Attack::ALL);
    let cut = text.len() / 2 + text[text.len() / 2..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let (calm, struck) = (Scratch::new(), Scratch::new());
    for scratch in [&calm, &struck] {
        scratch.write("logs/a.log.gz", gzip(&text[..cut]));
        scratch.write("logs/b.log", &text[cut..]);
    }
    // one key in both, so that the fingerprints of redacted values agree
    calm.create_lake();
    copy_folder(&calm.path("lake"), &struck.path("lake"));
    calm.run("ingest logs --lake lake").ends(0);

    assert!(kill_when(&struck, |lake| !runs(lake).is_empty()), "the run ended before it could be killed");
    assert!(!runs(&struck.path("lake")).is_empty(), "the run that was killed left something behind");
    assert_eq!(struck.lake().status().unwrap().rows, 0);
    kill_when(&struck, |lake| bytes_begun(lake) > 0);
    struck.run("ingest logs --lake lake").ends(0);

    assert_eq!(rows_hash(&struck), rows_hash(&calm));
    assert_eq!(struck.number("select count(*) from events"), 12_000);
    assert!(runs(&struck.path("lake")).is_empty());
    let named = struck.lake().snapshot().unwrap().parts().len();
    let lying = files_below(&struck.path("lake/events"));
    assert_eq!(lying.iter().filter(|file| file.extension().is_some_and(|it| it == "parquet")).count(), named);
}
