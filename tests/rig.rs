//! What the tests share: the program in a scratch folder, plain events, and readers that know nothing of the program's
//! own way of reading.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use arrow::array::{AsArray, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use flate2::Compression;
use flate2::write::GzEncoder;
use kubesift::account::Account;
use kubesift::generate::{self, Attack};
use kubesift::ingest::{Ingested, Options, Watch};
use kubesift::input;
use kubesift::lake::Lake;
use kubesift::store::Stores;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

/// A folder of a test's own, in which the program runs.
pub(crate) struct Scratch(tempfile::TempDir);

/// How the program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The output, of a run that must have ended well.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8 only");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let scratch = Self(tempfile::tempdir().unwrap());
        fs::create_dir(scratch.path("tmp")).unwrap();
        scratch
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and its folder.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The program, to be run in the folder; its temporary files go to `tmp`.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubesift"));
        command.args(args).current_dir(self.0.path()).env("TMPDIR", self.path("tmp")).stdin(Stdio::null());
        command.env_remove("COLUMNS").env_remove("NO_COLOR");
        command
    }

    /// Runs the program with arguments that hold no blanks.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.command(line.split_whitespace()).output().unwrap().into()
    }

    /// Runs the program with `text` as its standard input.
    pub(crate) fn pipe(&self, line: &str, text: &[u8]) -> Ran {
        let mut command = self.command(line.split_whitespace());
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Asks the lake `lake` in SQL.
    pub(crate) fn sql(&self, query: &str) -> Ran {
        self.command(["sql", "--lake", "lake", "--format", "csv", query]).output().unwrap().into()
    }

    /// The one number that a query of the lake `lake` gives.
    pub(crate) fn number(&self, query: &str) -> u64 {
        let text = self.sql(query).done();
        text.lines().nth(1).unwrap().trim_matches('"').parse().unwrap_or_else(|_| panic!("{query}: {text}"))
    }

    /// Ingests files into the lake `lake` without the command line.
    pub(crate) fn ingest(&self, names: &[&str]) -> Ingested {
        self.ingest_with(names, &options())
    }

    pub(crate) fn ingest_with(&self, names: &[&str], options: &Options) -> Ingested {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        let found = input::find(&paths, &Stores::default()).unwrap();
        let ingested =
            kubesift::ingest::ingest(&self.create_lake(), &found.sources, options, &Watch::default()).unwrap();
        ingested.accounts.iter().for_each(|account| assert!(account.balances(), "{account:?}"));
        ingested
    }

    /// Ingests one file; gives its account.
    pub(crate) fn account(&self, name: &str) -> Account {
        self.ingest(&[name]).accounts.remove(0)
    }

    pub(crate) fn create_lake(&self) -> Lake {
        Lake::create_or_open(self.path("lake")).unwrap()
    }

    pub(crate) fn lake(&self) -> Lake {
        Lake::open(self.path("lake")).unwrap()
    }

    pub(crate) fn version(&self) -> u64 {
        self.lake().snapshot().unwrap().version()
    }

    /// The rows of the lake `lake`, read as any reader of Parquet would.
    pub(crate) fn rows(&self) -> Vec<RecordBatch> {
        let snapshot = self.lake().snapshot().unwrap();
        snapshot.parts().iter().flat_map(|part| parquet(&part.path)).collect()
    }

    /// The values of some columns of each row of the lake `lake`, as text.
    pub(crate) fn cells(&self, columns: &[&str]) -> Vec<Vec<String>> {
        self.rows().iter().flat_map(|batch| cells(batch, columns)).collect()
    }

    /// The line and the reason of each reject in the lake's quarantine.
    pub(crate) fn quarantine(&self) -> BTreeMap<i64, String> {
        let files = files_below(&self.path("lake/_quarantine"));
        let batches = files.iter().flat_map(|file| parquet(file));
        let pairs = batches.flat_map(|batch| cells(&batch, &["line", "reason"]));
        pairs.map(|pair| (pair[0].parse().unwrap(), pair[1].clone())).collect()
    }
}

pub(crate) fn options() -> Options {
    Options { threads: 2, ..Options::default() }
}

/// The row groups of a Parquet file.
pub(crate) fn parquet(path: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// The values of some columns of each row, as text; NULL is `-`.
pub(crate) fn cells(batch: &RecordBatch, columns: &[&str]) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("-");
    let arrays: Vec<_> = columns.iter().map(|name| batch.column_by_name(name).unwrap()).collect();
    let formats: Vec<_> = arrays.iter().map(|array| ArrayFormatter::try_new(*array, &options).unwrap()).collect();
    let row = |at: usize| formats.iter().map(|format| format.value(at).to_string()).collect();
    (0..batch.num_rows()).map(row).collect()
}

/// Every text of a batch, those in lists included.
pub(crate) fn texts(batch: &RecordBatch) -> Vec<String> {
    let mut all = Vec::new();
    for column in batch.columns() {
        let values = column.as_list_opt::<i32>().map_or_else(|| column.clone(), |list| list.values().clone());
        if let Some(texts) = values.as_string_opt::<i32>() {
            all.extend(texts.iter().flatten().map(str::to_owned));
        }
    }
    all
}

/// All files below a folder, in order.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// A plain event: somebody reads a secret. Each number gives another.
pub(crate) fn event(number: usize) -> Value {
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": format!("event-{number}"),
        "stage": "ResponseComplete", "requestURI": format!("/api/v1/namespaces/shop/secrets/s{number}"), "verb": "get",
        "user": {"username": "alice@example.com", "groups": ["dev", "system:authenticated"]},
        "sourceIPs": ["198.51.100.4"], "userAgent": "kubectl/v1.33.4",
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": format!("s{number}"), "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": format!("2026-01-15T10:{:02}:{:02}.000000Z", number / 60 % 60, number % 60),
        "stageTimestamp": format!("2026-01-15T10:{:02}:{:02}.004000Z", number / 60 % 60, number % 60),
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""}
    })
}

/// The plain event with some fields of it changed.
pub(crate) fn event_with(number: usize, fields: &Value) -> Value {
    let mut event = event(number);
    for (key, value) in fields.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

/// Plain events of some numbers, one a line.
pub(crate) fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| event(number).to_string() + "\n").collect()
}

/// A generated log.
pub(crate) fn log(events: u64, attacks: &[Attack]) -> Vec<u8> {
    let mut text = Vec::new();
    let options = generate::Options { events, attacks: attacks.to_vec(), ..generate::Options::default() };
    generate::write_stream(&options, &mut text).unwrap();
    text
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// What a plain reader, which is `serde_json` and nothing else, counts in a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) lines: u64,
    pub(crate) rows: u64,
    pub(crate) rejects: u64,
    pub(crate) blanks: u64,
    pub(crate) duplicates: u64,
}

impl Count {
    /// Of one event a line. `seen` holds the lines of earlier sources.
    pub(crate) fn of(text: &[u8], seen: &mut HashSet<Vec<u8>>) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut count = Self::default();
        let lines = text.split(|byte| *byte == b'\n');
        let ends_whole = usize::from(text.is_empty() || text.ends_with(b"\n"));
        let number = lines.clone().count() - ends_whole;
        for line in lines.take(number).map(<[u8]>::trim_ascii) {
            count.lines += 1;
            if line.is_empty() {
                count.blanks += 1;
            } else if !is_event(line) {
                count.rejects += 1;
            } else if seen.insert(line.to_vec()) {
                count.rows += 1;
            } else {
                count.duplicates += 1;
            }
        }
        count
    }

    pub(crate) fn of_account(account: &Account) -> Self {
        Self {
            lines: account.lines,
            rows: account.rows,
            rejects: account.rejected(),
            blanks: account.blanks,
            duplicates: account.duplicates,
        }
    }
}

fn is_event(line: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(line) else { return false };
    value["kind"] == "Event"
        && value["apiVersion"] == "audit.k8s.io/v1"
        && value["requestReceivedTimestamp"].is_string()
}
