//! Sources as lines: what one way of storing a log gives, every other gives too.

pub(super) mod pack;

use std::fs;
use std::path::Path;

use super::*;
use crate::store::Stores;
use pack::gz;

fn source(folder: &Path, content: &[u8]) -> Source {
    let path = folder.join("audit.log");
    fs::write(&path, content).unwrap();
    find(&[path], &Stores::default()).unwrap().sources.remove(0)
}

/// All lines of a source.
fn text(lines: &mut Lines) -> String {
    let mut text = Vec::new();
    while let Some(piece) = lines.next_chunk().unwrap() {
        let Piece::Lines(chunk) = piece else { panic!("{piece:?}") };
        text.extend_from_slice(&chunk.bytes);
        lines.recycle(chunk.bytes);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn the_lines_of_a_file_are_the_same_packed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let content = b"\xef\xbb\xbf{\"auditID\":\"1\"}\n{\"auditID\":\"2\"}\n";
    for packed in [content.to_vec(), gz(content)] {
        let source = source(folder.path(), &packed);
        let mut lines = lines(&source, 0).unwrap();
        assert_eq!(text(&mut lines), "{\"auditID\":\"1\"}\n{\"auditID\":\"2\"}\n");
        assert_eq!(lines.content(), (content.len() as u64, blake3::hash(content)));
        assert_eq!(lines.ending(), Ending::Whole);
        assert_eq!(lines.progress().load(std::sync::atomic::Ordering::Relaxed), source.bytes);
    }
}

#[test]
fn documents_are_split_and_their_source_hashed_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let content = b"{\n  \"kind\": \"EventList\",\n  \"items\": [\n    { \"auditID\": \"1\" }\n  ]\n}\n";
    let mut lines = lines(&source(folder.path(), &gz(content)), 10).unwrap();
    assert!(!lines.skips());
    assert_eq!(text(&mut lines), "{\"auditID\":\"1\"}\n");
    assert_eq!(lines.content(), (content.len() as u64, blake3::hash(content)));
    assert_eq!(lines.ending(), Ending::Whole);
}

#[test]
fn a_cut_document_is_truncated() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = lines(&source(folder.path(), b"{\"kind\":\"EventList\",\"items\":[{},"), 0).unwrap();
    assert_eq!(text(&mut lines), "{}\n");
    assert!(matches!(lines.ending(), Ending::Truncated(_)));
}

#[test]
fn a_file_that_grew_gives_its_new_lines() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = lines(&source(folder.path(), b"{}\n{}\n{\"new\":1}\n"), 6).unwrap();
    assert!(lines.skips());
    let Some(Piece::Lines(chunk)) = lines.next_chunk().unwrap() else { panic!("no lines") };
    assert_eq!((chunk.lines_before, chunk.offset, &chunk.bytes[..]), (2, 6, &b"{\"new\":1}\n"[..]));
}

#[test]
fn the_head_is_of_the_decompressed_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for packed in [b"0123456789".to_vec(), gz(b"0123456789")] {
        let source = source(folder.path(), &packed);
        assert_eq!(head(&source, 4).unwrap(), b"0123");
        assert_eq!(head(&source, 100).unwrap(), b"0123456789");
    }
}

#[test]
fn prefixes_are_hashed_as_far_as_the_file_reaches() {
    let folder = tempfile::tempdir().unwrap();
    let content = b"one\ntwo\n".repeat(200_000);
    let length = content.len() as u64;
    let hash = |bytes: u64| (bytes, blake3::hash(&content[..usize::try_from(bytes).unwrap()]));
    for packed in [content.clone(), gz(&content)] {
        let source = source(folder.path(), &packed);
        let hashes = prefix_hashes(&source, &[0, 4, 4, 1_500_000, length, length + 1]).unwrap();
        assert_eq!(hashes, [hash(0), hash(4), hash(4), hash(1_500_000), hash(length), hash(length)]);
        assert_eq!(prefix_hashes(&source, &[]).unwrap(), [hash(length)]);
    }
}

#[test]
fn stdin_is_not_read_twice() {
    let stdin = find(&["-".into()], &Stores::default()).unwrap().sources.remove(0);
    assert!(head(&stdin, 1).is_err());
    assert!(prefix_hashes(&stdin, &[]).is_err());
}
