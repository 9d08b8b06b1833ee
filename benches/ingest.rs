//! Ingestion on all threads: files to lake, against a bare tape of the same lines and against decompression alone.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

mod child;
mod figures;
mod tape;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use child::{Measured, best, serve};
use figures::{Figures, ROUNDS, events, seconds};
use flate2::bufread::MultiGzDecoder;
use kubesift::error::{Error, Result};
use kubesift::generate::{Compression, FolderOptions, Options, write_folder};
use kubesift::ingest::{self, Watch, ingest};
use kubesift::input;
use kubesift::lake::Lake;
use rayon::prelude::*;
use tape::{BareParser, Padded, chunks};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    if serve(measure) {
        return Ok(());
    }
    let Some(mut figures) = Figures::from_args("ingest") else { return Ok(()) };
    let temp = tempfile::tempdir().map_err(|error| Error::storage(std::env::temp_dir(), error))?;
    let options = Options { events: events(500_000), ..Options::default() };
    let write = |name: &str, compression, rotate_bytes| {
        let folder = temp.path().join(name);
        write_folder(&options, &folder, &FolderOptions { rotate_bytes, compression, ..FolderOptions::default() })
            .map(|written| (folder, written))
    };
    let rotate = FolderOptions::default().rotate_bytes;
    let (plain, written) = write("plain", Compression::None, rotate)?;
    let bytes = written.totals.bytes;
    let threads = ingest::Options::default().threads;
    println!("{} events, {bytes} bytes, best of {ROUNDS}, {threads} threads", options.events);

    let floor = best(ROUNDS, "tape", &plain)["seconds"];
    figures.put("floor: bare tape of every line", gigabytes(bytes) / floor, "GB/s");
    compare(&mut figures, "plain", &plain, bytes, floor);
    fs::remove_dir_all(&plain).map_err(|error| Error::storage(&plain, error))?;

    let (gz, _) = write("gz", Compression::Gzip, rotate)?;
    let floor = best(ROUNDS, "inflate", &gz)["seconds"];
    figures.put("floor: inflate many .gz", gigabytes(bytes) / floor, "GB/s");
    compare(&mut figures, "many .gz", &gz, bytes, floor);

    let (one, _) = write("one", Compression::Gzip, u64::MAX)?;
    let floor = best(ROUNDS, "inflate", &one)["seconds"];
    figures.put("floor: inflate one .gz", gigabytes(bytes) / floor, "GB/s");
    compare(&mut figures, "one .gz", &one, bytes, floor);
    figures.save();
    Ok(())
}

/// Measures the ingestion of a folder whose text has `bytes` and puts it beside its floor, in seconds.
fn compare(figures: &mut Figures, name: &str, folder: &Path, bytes: u64, floor: f64) {
    let measured = best(ROUNDS, "ingest", folder);
    let (seconds, rows) = (measured["seconds"], measured["rows"]);
    figures.put(&format!("ingest {name}"), gigabytes(bytes) / seconds, "GB/s");
    figures.put(&format!("ingest {name} / floor"), floor / seconds, "of its speed");
    figures.put(&format!("ingest {name}, events"), rows / seconds / 1e6, "M events/s");
    figures.put(&format!("ingest {name}, lake"), measured["lake_bytes"] / rows, "bytes an event");
    figures.put(&format!("ingest {name}, lake / text"), measured["lake_bytes"] / bytes as f64, "of its size");
    figures.put(&format!("ingest {name}, peak memory"), measured["peak_mib"], "MiB");
}

/// What a child does.
fn measure(what: &str, folder: &Path) -> Result<Measured> {
    match what {
        "tape" => Ok(seconds_of(parse_bare(&logs(folder)?))),
        "inflate" => Ok(seconds_of(inflate(&logs(folder)?))),
        _ => measure_ingest(folder),
    }
}

fn seconds_of(seconds: f64) -> Measured {
    Measured::from([("seconds".to_owned(), seconds)])
}

fn logs(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| Error::storage(folder, error))?;
    let is_log = |path: &PathBuf| path.extension().is_some_and(|extension| extension != "jsonl");
    Ok(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(is_log).collect())
}

/// Reading and copying do not count: the floor is parsing alone.
fn parse_bare(files: &[PathBuf]) -> f64 {
    let mut texts = Vec::new();
    for file in files {
        let text = fs::read(file).expect("the log is there");
        texts.extend(chunks(&text).into_iter().map(Padded::new));
    }
    let parse = |parser: &mut BareParser, chunk: &mut Padded| parser.parse(chunk);
    seconds(|| texts.par_iter_mut().with_min_len(8).map_init(BareParser::new, parse).sum::<usize>()).0
}

/// As many files at a time as there are threads.
fn inflate(files: &[PathBuf]) -> f64 {
    let packed: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).expect("the log is there")).collect();
    seconds(|| packed.par_iter().with_max_len(1).map(|packed| inflated(packed)).sum::<usize>()).0
}

fn inflated(packed: &[u8]) -> usize {
    let (mut decoder, mut buffer, mut bytes) = (MultiGzDecoder::new(packed), vec![0; 1 << 18], 0);
    loop {
        match decoder.read(&mut buffer).expect("the log is whole") {
            0 => return bytes,
            read => bytes += read,
        }
    }
}

fn measure_ingest(folder: &Path) -> Result<Measured> {
    let temp = tempfile::tempdir().map_err(|error| Error::storage(folder, error))?;
    let sources = input::find(&logs(folder)?)?.sources;
    // the files are in the page cache, as they are for the floors
    for source in logs(folder)? {
        let mut file = File::open(&source).map_err(|error| Error::storage(&source, error))?;
        std::io::copy(&mut file, &mut std::io::sink()).map_err(|error| Error::storage(&source, error))?;
    }
    let lake = Lake::create_or_open(temp.path().join("lake"))?;
    let (seconds, ingested) = seconds(|| ingest(&lake, &sources, &ingest::Options::default(), &Watch::default()));
    let rows: u64 = ingested?.accounts.iter().map(|account| account.rows).sum();
    let lake_bytes: u64 = lake.snapshot()?.parts().iter().map(|part| part.bytes).sum();
    let mut measured = seconds_of(seconds);
    measured.insert("rows".to_owned(), rows as f64);
    measured.insert("lake_bytes".to_owned(), lake_bytes as f64);
    Ok(measured)
}

fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}
