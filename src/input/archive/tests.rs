//! Archives: every member a source, whatever the archive is packed with, named or made of.

mod hostile;
mod tape;
mod zipped;

use std::fs;
use std::path::{Path, PathBuf};

use ::tar::{Builder, EntryType, Header};

use super::*;
use crate::error::Result;
use crate::input::find::{Found, Source};
use crate::input::tests::pack::{ALL, bz2, gz, xz, zst};
use crate::input::{Ending, Piece, head, lines, prefix_hashes};
use crate::store::Stores;

fn find(paths: &[PathBuf]) -> Result<Found> {
    crate::input::find(paths, &Stores::default())
}

/// A file in a folder of its own.
struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// What is found in an archive of this content, with names relative to the folder.
    fn listed(&self, name: &str, content: &[u8]) -> Found {
        let path = self.write(name, content);
        self.relative(find(&[path]).unwrap())
    }

    fn relative(&self, mut found: Found) -> Found {
        let prefix = format!("{}/", self.folder.path().display());
        for source in &mut found.sources {
            source.name = source.name.replace(&prefix, "");
        }
        for (path, _) in &mut found.skipped {
            *path = path.strip_prefix(&prefix).map(Path::to_path_buf).unwrap_or_default();
        }
        found
    }
}

/// A line of a log.
fn line(number: usize) -> String {
    format!("{{\"auditID\":\"{number:032x}\",\"noise\":\"{:x}\"}}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn log(lines: std::ops::Range<usize>) -> Vec<u8> {
    lines.map(line).collect::<String>().into_bytes()
}

fn header(name: &[u8], kind: EntryType, bytes: usize) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(bytes as u64);
    header.set_mtime(1_700_000_000);
    header.set_cksum();
    header
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in members {
        builder.append_data(&mut header(b"", EntryType::Regular, content.len()), name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The content of a source, and how it ended.
fn content(source: &Source) -> Result<(Vec<u8>, Ending), String> {
    let mut decoder = decode::open(source).map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    decoder.read_to_end(&mut content).map_err(|error| error.to_string())?;
    Ok((content, decoder.ending()))
}

fn names(found: &Found) -> Vec<&str> {
    found.sources.iter().map(|source| source.name.as_str()).collect()
}

fn skipped(found: &Found) -> Vec<(String, &str)> {
    found.skipped.iter().map(|(path, reason)| (path.display().to_string(), reason.as_str())).collect()
}

fn archive_of(source: &Source) -> &Archive {
    let Place::Member(member) = &source.place else { panic!("{source:?} is no member") };
    &member.archive
}

#[test]
fn the_members_of_a_tar_in_any_packing_are_sources() {
    let scratch = Scratch::new();
    let (first, second) = (log(0..50), log(50..2_000));
    let plain = tar(&[("audit/first.log", &first), ("audit/second.log", &second)]);
    let packed = ALL.map(|pack| pack(&plain));
    for archive in packed.iter().chain([&plain, &gz(&zst(&plain))]) {
        let found = scratch.listed("logs", archive);
        assert_eq!(names(&found), ["logs!/audit/first.log", "logs!/audit/second.log"]);
        assert!(found.skipped.is_empty());
        assert_eq!(content(&found.sources[0]).unwrap(), (first.clone(), Ending::Whole));
        assert_eq!(content(&found.sources[1]).unwrap(), (second.clone(), Ending::Whole));
        assert_eq!(
            found.sources.iter().map(|source| source.bytes).collect::<Vec<_>>(),
            [first.len() as u64, second.len() as u64]
        );
    }
}

#[test]
fn members_may_be_packed_themselves() {
    let scratch = Scratch::new();
    let log = log(0..3_000);
    let archive = tar(&[("a.gz", &gz(&log)), ("b.bz2", &bz2(&log)), ("c.xz", &gz(&xz(&log)))]);
    for archive in [archive.clone(), gz(&archive)] {
        let found = scratch.listed("logs.tar", &archive);
        assert_eq!(found.sources.len(), 3);
        for source in &found.sources {
            assert_eq!(content(source).unwrap(), (log.clone(), Ending::Whole));
        }
    }
}

#[test]
fn a_member_is_read_as_any_source() {
    let scratch = Scratch::new();
    let log = log(0..500);
    let found = scratch.listed("logs.tgz", &gz(&tar(&[("a.log", &log), ("b.log", &gz(&log))])));
    for source in &found.sources {
        assert_eq!(head(source, 10).unwrap(), &log[..10]);
        assert_eq!(head(source, limits::HEAD_BYTES).unwrap(), &log[..limits::HEAD_BYTES]);
        assert_eq!(head(source, 10_000).unwrap(), &log[..10_000]);
        assert_eq!(
            prefix_hashes(source, &[100]).unwrap(),
            [(100, blake3::hash(&log[..100])), (log.len() as u64, blake3::hash(&log))]
        );
        let mut lines = lines(source, 0).unwrap();
        let Some(Piece::Lines(chunk)) = lines.next_chunk().unwrap() else { panic!("no lines") };
        assert_eq!(chunk.bytes, log);
        assert!(lines.next_chunk().unwrap().is_none());
        assert_eq!(lines.progress().load(Ordering::Relaxed), source.bytes);
    }
}

#[test]
fn the_state_of_a_member_changes_with_its_archive() {
    let scratch = Scratch::new();
    let path = scratch.write("logs.tar", &tar(&[("a.log", &log(0..3))]));
    let before = find(&[&path].map(PathBuf::from)).unwrap().sources.remove(0);
    let file = fs::File::options().write(true).open(&path).unwrap();
    let later = fs::metadata(&path).unwrap().modified().unwrap() + std::time::Duration::from_secs(2);
    file.set_modified(later).unwrap();
    let after = find(&[path]).unwrap().sources.remove(0);
    assert_eq!((&before.name, before.bytes), (&after.name, after.bytes));
    assert_eq!(after.modified_ns - before.modified_ns, 2_000_000_000);
}

#[test]
fn an_archive_that_changed_since_it_was_listed_is_not_read() {
    let scratch = Scratch::new();
    for pack in [|tar: &[u8]| tar.to_vec(), gz] {
        let path = scratch.write("logs.tar", &pack(&tar(&[("a.log", &log(0..3))])));
        let source = find(&[path]).unwrap().sources.remove(0);
        scratch.write("logs.tar", &pack(&tar(&[("a.log", &log(7..400))])));
        assert!(content(&source).unwrap_err().contains("changed since its members were listed"));
    }
}

#[test]
fn thousands_of_members_are_unpacked_once() {
    let scratch = Scratch::new();
    let members: Vec<(String, Vec<u8>)> = (0..3_000).map(|n| (format!("{n}.log"), log(n..n + 2))).collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, log)| (name.as_str(), log.as_slice())).collect();
    let found = scratch.listed("logs.tgz", &gz(&tar(&members)));
    assert_eq!(found.sources.len(), members.len());
    for (source, (_, log)) in found.sources.iter().zip(&members) {
        assert_eq!(head(source, 4).unwrap(), log[..4]);
    }
    assert_eq!(archive_of(&found.sources[0]).begun.load(Ordering::Relaxed), 0, "heads are known from the listing");
    for (source, (_, log)) in found.sources.iter().zip(&members) {
        assert_eq!(content(source).unwrap().0, *log);
    }
    assert_eq!(archive_of(&found.sources[0]).begun.load(Ordering::Relaxed), 1);
    for pair in found.sources.chunks(2) {
        // two readers at once, as two workers have them
        let (mut first, mut second) = (decode::open(&pair[0]).unwrap(), decode::open(&pair[1]).unwrap());
        second.read_to_end(&mut Vec::new()).unwrap();
        first.read_to_end(&mut Vec::new()).unwrap();
    }
    assert_eq!(archive_of(&found.sources[0]).begun.load(Ordering::Relaxed), 3);
    let streams: Vec<_> = found.sources.iter().map(Source::stream).collect();
    assert!(streams[0].is_some() && streams.iter().all(|stream| *stream == streams[0]));
}

#[test]
fn few_decoders_wait_for_the_next_member() {
    let scratch = Scratch::new();
    let members: Vec<(String, Vec<u8>)> = (0..20).map(|n| (format!("{n}.log"), log(n..n + 2))).collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, log)| (name.as_str(), log.as_slice())).collect();
    let found = scratch.listed("logs.tgz", &gz(&tar(&members)));
    let open: Vec<_> = found.sources.iter().map(|source| decode::open(source).unwrap()).collect();
    drop(open);
    let standing = archive_of(&found.sources[0]).standing.lock().unwrap().len();
    assert_eq!(standing, limits::STANDING_DECODERS_MAX);
}

#[test]
fn members_that_are_plainly_no_logs_are_skipped_with_the_reason() {
    let scratch = Scratch::new();
    let log = log(0..2);
    let found = scratch.listed(
        "must-gather.tar.gz",
        &gz(&tar(&[
            ("version", b"4.16.3\n"),
            ("cluster/pod.yaml", b"---\napiVersion: v1\n"),
            ("audit_logs/kube-apiserver/node-audit.log.gz", &gz(&log)),
            ("inner.tar", &tar(&[("x.log", &log)])),
            ("inner.tar.gz", &gz(&tar(&[("x.log", &log)]))),
            ("inner.zip", b"PK\x03\x04and so on"),
            ("oc", b"\x7fELF\x02\x01"),
            ("empty.log", b""),
            ("._audit.log", &log),
            ("_meta/audit.log", &log),
        ])),
    );
    assert_eq!(names(&found), ["must-gather.tar.gz!/audit_logs/kube-apiserver/node-audit.log.gz"]);
    assert_eq!(content(&found.sources[0]).unwrap().0, log);
    let inner = "an archive within an archive; unpack it and name it";
    let expected = [
        ("version", "holds no JSON where it begins"),
        ("cluster/pod.yaml", "is YAML"),
        ("inner.tar", inner),
        ("inner.tar.gz", inner),
        ("inner.zip", inner),
        ("oc", "looks like an ELF program, not a log; leave it out"),
        ("empty.log", "is empty"),
    ];
    let expected = expected.map(|(name, reason)| (format!("must-gather.tar.gz!/{name}"), reason));
    assert_eq!(skipped(&found), expected);
}

#[test]
fn many_of_a_kind_are_counted() {
    let scratch = Scratch::new();
    let yaml: Vec<String> = (0..100).map(|n| format!("{n}.yaml")).collect();
    let mut members: Vec<(&str, &[u8])> = yaml.iter().map(|name| (name.as_str(), &b"---\na: b\n"[..])).collect();
    let log = log(0..2);
    members.push(("audit.log", &log));
    let found = scratch.listed("logs.tar", &tar(&members));
    assert_eq!(found.skipped.len(), limits::SKIPPED_LISTED_MAX + 1);
    assert_eq!(skipped(&found)[limits::SKIPPED_LISTED_MAX], ("logs.tar".to_owned(), "80 more files in it: is YAML"));
}

#[test]
fn files_of_a_folder_that_are_plainly_no_logs_are_skipped_and_named_ones_are_not() {
    let scratch = Scratch::new();
    scratch.write("in/pod.yaml", b"apiVersion: v1\n");
    scratch.write("in/photo.log", b"\x89PNG\r\n\x1a\n");
    scratch.write("in/a.log", &log(0..1));
    scratch.write("in/b.tar", &tar(&[("b.log", &log(1..2)), ("b.yaml", b"kind: Pod\n")]));
    let found = scratch.relative(find(&[scratch.folder.path().join("in")]).unwrap());
    assert_eq!(names(&found), ["in/a.log", "in/b.tar!/b.log"]);
    let reasons = ["is YAML", "looks like a PNG image, not a log; leave it out", "is YAML"];
    assert_eq!(skipped(&found).iter().map(|(_, reason)| *reason).collect::<Vec<_>>(), reasons);

    let named = find(&["in/pod.yaml", "in/photo.log"].map(|name| scratch.folder.path().join(name))).unwrap();
    assert_eq!(named.sources.len(), 2);
    assert!(content(&named.sources[1]).unwrap_err().contains("PNG"));
}

#[test]
fn a_wrong_checksum_of_the_packing_refuses_the_archive() {
    let scratch = Scratch::new();
    let mut archive = gz(&tar(&[("a.log", &log(0..100)), ("b.log", &log(0..100))]));
    let crc = archive.len() - 8;
    archive[crc] ^= 1;
    let found = scratch.listed("logs.tar.gz", &archive);
    assert_eq!(names(&found), ["logs.tar.gz"]);
    let reason = content(&found.sources[0]).unwrap_err();
    assert!(reason.contains("the gzip data is damaged"), "{reason}");
}
