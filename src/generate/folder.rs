//! Where a generated log goes: a folder of rotated files as an API server leaves them, or one stream.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use serde::Serialize;

use super::{Options, Totals, Wrapper, Wrapping, generate, generate_with_truth};
use crate::error::{Error, Result};
use crate::limits::GENERATED_FILE_BYTES;

/// How the files of a folder are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    None,
    /// `.gz`, as `--audit-log-compress` does.
    #[default]
    Gzip,
    /// `.zst`.
    Zstd,
}

impl Compression {
    fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

/// How a folder is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderOptions {
    /// Bytes of native text, before wrapping and compression, at which a file is full.
    pub rotate_bytes: u64,
    /// The compression.
    pub compression: Compression,
    /// What the lines are wrapped in.
    pub envelope: Option<Wrapper>,
}

impl Default for FolderOptions {
    /// Files of 100 MB, gzip, of native lines.
    fn default() -> Self {
        Self { rotate_bytes: GENERATED_FILE_BYTES, compression: Compression::default(), envelope: None }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The counts.
    pub totals: Totals,
    /// The files of the log, in order of time.
    pub files: Vec<PathBuf>,
    /// The labels.
    pub labels: PathBuf,
    /// What the attacks gained.
    pub truth: PathBuf,
    /// What was granted to those whom they came as, and never used.
    pub rights: PathBuf,
    /// The roles and bindings of the cluster.
    pub rbac: PathBuf,
}

/// Generates a log into a folder: `audit-<UTC time of the first event>.log`, with the suffix of its compression, and
/// `labels.jsonl`, `_truth.jsonl`, `_rights.jsonl` and `_rbac.yaml`. Wrapped files are named after what they are wrapped in. The folder is created; files
/// that are already there are not overwritten.
pub fn write_folder(options: &Options, out: &Path, folder: &FolderOptions) -> Result<Written> {
    std::fs::create_dir_all(out).map_err(|error| Error::storage(out, error))?;
    let mut labels = Target::create(out.join("labels.jsonl"), Compression::None)?;
    let mut files = Files { out, folder: *folder, current: None, done: Vec::new() };
    let (totals, known) =
        generate_with_truth(options, &mut |line| files.write(line), &mut |label| labels.json_line(label))?;
    files.close()?;
    let create = |name| Target::create(out.join(name), Compression::None);
    let (mut truth, mut rights, mut rbac) = (create("_truth.jsonl")?, create("_rights.jsonl")?, create("_rbac.yaml")?);
    known.thefts.iter().try_for_each(|theft| truth.json_line(theft))?;
    known.holders.iter().try_for_each(|holder| rights.json_line(holder))?;
    rbac.write(known.rbac.as_bytes())?;
    let (labels, truth, rights, rbac) = (labels.close()?, truth.close()?, rights.close()?, rbac.close()?);
    Ok(Written { totals, files: files.done, labels, truth, rights, rbac })
}

/// Generates a log into a stream, without labels.
pub fn write_stream(options: &Options, out: &mut dyn Write) -> Result<Totals> {
    let broken = |error| Error::storage("output stream", error);
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    let totals = generate(options, &mut |line| out.write_all(line).map_err(broken), &mut |_| Ok(()))?;
    out.flush().map_err(broken)?;
    Ok(totals)
}

/// Generates a log into a stream, wrapped, without labels.
pub fn write_wrapped(options: &Options, wrapper: Wrapper, out: &mut dyn Write) -> Result<Totals> {
    let broken = |error| Error::storage("output stream", error);
    let (mut wrapping, mut piece) = (Wrapping::new(wrapper), Vec::new());
    let totals = generate(
        options,
        &mut |line| {
            piece.clear();
            wrapping.push(line, &mut piece).and_then(|()| out.write_all(&piece)).map_err(broken)
        },
        &mut |_| Ok(()),
    )?;
    piece.clear();
    wrapping.finish(&mut piece).and_then(|()| out.write_all(&piece)).and_then(|()| out.flush()).map_err(broken)?;
    Ok(totals)
}

const BUFFER_BYTES: usize = 1 << 20;

/// The files of a folder, of which one is open.
struct Files<'a> {
    out: &'a Path,
    folder: FolderOptions,
    /// The open file and the bytes of native text in it.
    current: Option<(Target, u64)>,
    done: Vec<PathBuf>,
}

impl Files<'_> {
    fn write(&mut self, line: &[u8]) -> Result<()> {
        let full = |(_, bytes): &(Target, u64)| *bytes > 0 && bytes + line.len() as u64 > self.folder.rotate_bytes;
        if self.current.as_ref().is_some_and(full) {
            self.close()?;
        }
        if self.current.is_none() {
            let FolderOptions { compression, envelope, .. } = self.folder;
            let (stem, extension) = envelope.map_or(("audit", "log"), |wrapper| (wrapper.name(), wrapper.extension()));
            let name = format!("{stem}-{}.{extension}{}", stamp(line), compression.suffix());
            let mut target = Target::create(self.out.join(name), compression)?;
            target.wrapping = envelope.map(Wrapping::new);
            self.current = Some((target, 0));
        }
        if let Some((target, bytes)) = &mut self.current {
            *bytes += line.len() as u64;
            target.line(line)?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        if let Some((target, _)) = self.current.take() {
            self.done.push(target.close()?);
        }
        Ok(())
    }
}

/// When the event of a line was completed, as a file name can hold it: no colons, which Windows refuses.
fn stamp(line: &[u8]) -> String {
    let key = br#""stageTimestamp":""#;
    let at = memchr::memmem::rfind(line, key).map_or(0, |at| at + key.len());
    let time = line.get(at..at + "2026-01-15T00:00:00.000000".len()).unwrap_or_default();
    String::from_utf8_lossy(time).replace(':', "-")
}

/// A new file.
struct Target {
    path: PathBuf,
    encoder: Encoder,
    wrapping: Option<Wrapping>,
    /// What is wrapped and not yet written.
    piece: Vec<u8>,
}

enum Encoder {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl Target {
    fn create(path: PathBuf, compression: Compression) -> Result<Self> {
        let failed = |error| Error::storage(&path, error);
        let file = BufWriter::with_capacity(BUFFER_BYTES, File::create_new(&path).map_err(failed)?);
        let encoder = match compression {
            Compression::None => Encoder::Plain(file),
            Compression::Gzip => Encoder::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Compression::Zstd => Encoder::Zstd(zstd::Encoder::new(file, 3).map_err(failed)?),
        };
        Ok(Self { path, encoder, wrapping: None, piece: Vec::new() })
    }

    /// Writes an event, wrapped if it is to be.
    fn line(&mut self, line: &[u8]) -> Result<()> {
        let Some(wrapping) = &mut self.wrapping else { return self.write(line) };
        self.piece.clear();
        wrapping.push(line, &mut self.piece).map_err(|error| Error::storage(&self.path, error))?;
        let piece = std::mem::take(&mut self.piece);
        let written = self.write(&piece);
        self.piece = piece;
        written
    }

    fn json_line(&mut self, value: &impl Serialize) -> Result<()> {
        let line = serde_json::to_string(value)
            .map_err(|error| Error::Internal(format!("{}: {error}", self.path.display())))?;
        self.write((line + "\n").as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.encoder {
            Encoder::Plain(file) => file.write_all(bytes),
            Encoder::Gzip(encoder) => encoder.write_all(bytes),
            Encoder::Zstd(encoder) => encoder.write_all(bytes),
        };
        written.map_err(|error| Error::storage(&self.path, error))
    }

    fn close(mut self) -> Result<PathBuf> {
        if let Some(wrapping) = self.wrapping.take() {
            let mut piece = Vec::new();
            wrapping.finish(&mut piece).map_err(|error| Error::storage(&self.path, error))?;
            self.write(&piece)?;
        }
        let finished = match self.encoder {
            Encoder::Plain(file) => Ok(file),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
        };
        match finished.and_then(|mut file| file.flush()) {
            Ok(()) => Ok(self.path),
            Err(error) => Err(Error::storage(self.path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::generate::Attack;

    fn options() -> Options {
        Options { events: 600, attacks: vec![Attack::StolenToken], ..Options::default() }
    }

    fn read(path: &Path, compression: Compression) -> Vec<u8> {
        let (file, mut text) = (File::open(path).unwrap(), Vec::new());
        match compression {
            Compression::None => Ok(std::io::BufReader::new(file)).map(|mut file| file.read_to_end(&mut text)),
            Compression::Gzip => Ok(flate2::read::GzDecoder::new(file)).map(|mut file| file.read_to_end(&mut text)),
            Compression::Zstd => zstd::Decoder::new(file).map(|mut file| file.read_to_end(&mut text)),
        }
        .unwrap()
        .unwrap();
        text
    }

    #[test]
    fn rotated_files_together_are_the_stream() {
        let mut stream = Vec::new();
        let totals = write_stream(&options(), &mut stream).unwrap();
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let out = tempfile::tempdir().unwrap();
            let folder = FolderOptions { rotate_bytes: 200_000, compression, ..FolderOptions::default() };
            let written = write_folder(&options(), out.path(), &folder).unwrap();
            assert_eq!(written.totals, totals);
            assert!(written.files.len() > 3, "{}", written.files.len());
            let files: Vec<_> = written.files.iter().map(|file| read(file, compression)).collect();
            assert!(files.iter().all(|file| file.len() <= 200_000));
            assert!(files.concat() == stream);
            let labels = std::fs::read_to_string(&written.labels).unwrap();
            assert_eq!(labels.lines().count() as u64, totals.labels);
            assert!(labels.starts_with(r#"{"attack":"stolen-token","audit_id":""#), "{labels}");
        }
    }

    #[test]
    fn files_are_named_by_the_time_of_their_first_event() {
        let out = tempfile::tempdir().unwrap();
        let folder = FolderOptions { compression: Compression::Zstd, ..FolderOptions::default() };
        let written = write_folder(&options(), out.path(), &folder).unwrap();
        let name = written.files[0].file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.starts_with("audit-2026-01-15T00-0"), "{name}");
        assert!(name.ends_with(".log.zst"), "{name}");
    }

    #[test]
    fn a_folder_that_holds_a_log_is_not_overwritten() {
        let out = tempfile::tempdir().unwrap();
        write_folder(&options(), out.path(), &FolderOptions::default()).unwrap();
        let error = write_folder(&options(), out.path(), &FolderOptions::default()).unwrap_err();
        assert!(error.to_string().contains("labels.jsonl"), "{error}");
    }

    #[test]
    fn wrapped_files_are_whole_each_by_itself_and_named_after_their_wrapper() {
        let mut stream = Vec::new();
        write_stream(&options(), &mut stream).unwrap();
        let out = tempfile::tempdir().unwrap();
        let folder =
            FolderOptions { rotate_bytes: 200_000, envelope: Some(Wrapper::EksFilter), ..FolderOptions::default() };
        let written = write_folder(&options(), out.path(), &folder).unwrap();
        let name = written.files[0].file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("eks-filter-2026-01-15T00-0") && name.ends_with(".json.gz"), "{name}");
        let mut lines = Vec::new();
        for file in &written.files {
            let document: serde_json::Value = serde_json::from_slice(&read(file, Compression::Gzip)).unwrap();
            let events = document["events"].as_array().unwrap();
            lines.extend(events.iter().map(|event| event["message"].as_str().unwrap().to_owned() + "\n"));
        }
        assert!(lines.concat().as_bytes() == stream);
        let mut whole = Vec::new();
        write_wrapped(&options(), Wrapper::EksFilter, &mut whole).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(document["events"].as_array().unwrap().len(), lines.len());
    }
}
