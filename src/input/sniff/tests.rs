//! Telling what a file is: formats by their marks, and logs from everything that lies beside them.

use super::*;

fn padded(head: &[u8]) -> Vec<u8> {
    let mut padded = head.to_vec();
    padded.resize(MAGIC_BYTES.max(head.len()), 0);
    padded
}

fn tar_header() -> [u8; 512] {
    let mut header = tar::Header::new_gnu();
    header.set_path("audit.log").unwrap();
    header.set_size(3);
    header.set_cksum();
    *header.as_bytes()
}

#[test]
fn foreign_formats_are_named_with_a_hint() {
    let cases: &[(&[u8], &str)] = &[
        (&tar_header(), "tar archive; unpack"),
        (b"PK\x03\x04....", "zip archive; unpack"),
        (b"7z\xbc\xaf\x27\x1c", "7z archive"),
        (b"\x1f\x9d\x90", "compress (.Z) archive"),
        (b"\x02\x21\x4c\x18", "legacy lz4"),
        (b"\x7fELF\x02", "ELF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"PAR1\x15", "Parquet"),
        (b"SQLite format 3\0", "SQLite"),
        (b"\xff\xfe{\0", "iconv -f UTF-16"),
        (b"\xfe\xff\0{", "iconv -f UTF-16"),
        (b"\xff\xfe\0\0{\0\0\0", "iconv -f UTF-32"),
    ];
    for (head, hint) in cases {
        let reason = foreign(head).unwrap_or_default();
        assert!(reason.contains(hint), "{reason:?} should contain {hint:?}");
        assert_eq!(Packing::of(head), None);
    }
}

#[test]
fn packings_are_told_by_content() {
    let lzma = [&[0x5d, 0, 0, 0x80, 0][..], &[0xff; 8], &[0, 1, 2]].concat();
    let cases: &[(&[u8], Packing)] = &[
        (b"\x1f\x8b\x08", Packing::Gzip),
        (b"\x28\xb5\x2f\xfd", Packing::Zstd),
        (b"BZh91AY&SY", Packing::Bzip2),
        (b"BZh1\x17\x72\x45\x38\x50\x90", Packing::Bzip2),
        (b"\xfd7zXZ\0\0", Packing::Xz),
        (b"\x04\x22\x4d\x18", Packing::Lz4),
        (b"\xff\x06\0\0sNaPpY", Packing::Snappy),
        (&lzma, Packing::Lzma),
        // "a" in a fixed block
        (b"\x78\x9c\x4b\x04\x00\x00\x62\x00\x62", Packing::Zlib),
        (b"\x78\x01\x4b\x04\x00\x00\x62\x00\x62", Packing::Zlib),
    ];
    for (head, packing) in cases {
        assert_eq!(Packing::of(head), Some(*packing));
        assert_eq!(foreign(head), None);
    }
}

#[test]
fn logs_are_not_foreign() {
    let mut ustar = br#"{"auditID":"1","userAgent":""#.to_vec();
    ustar.resize(257, b'a');
    ustar.extend_from_slice(b"ustar\0");
    ustar.resize(600, b'a');
    let heads: &[&[u8]] = &[
        b"",
        b"{",
        b"\xef\xbb\xbf{}",
        b"\0\0\0\0",
        b"BZh9 is how this line begins",
        b"2026-01-01 stdout F {}",
        b"PK",
        b"x^ and more words that no packing gives",
        b"]\0\0 is not enough of a header",
        &ustar,
    ];
    for head in heads {
        assert_eq!(foreign(head), None, "{head:?}");
        assert_eq!(Packing::of(head), None, "{head:?}");
        assert_eq!(Container::of(head), None, "{head:?}");
    }
}

#[test]
fn a_tar_is_told_by_its_checksum_whatever_its_age() {
    assert_eq!(Container::of(&tar_header()), Some(Container::Tar));
    let mut old = tar::Header::new_old();
    old.set_path("audit.log").unwrap();
    old.set_size(3);
    old.set_cksum();
    assert_eq!(Container::of(old.as_bytes()), Some(Container::Tar));
    let mut damaged = tar_header();
    damaged[0] ^= 1;
    assert_eq!(Container::of(&damaged), Some(Container::Tar));
    assert_eq!(Container::of(&[0; 512]), None);
}

#[test]
fn what_is_plainly_no_log_says_what_it_is() {
    let cases: &[(&[u8], &str)] = &[
        (b"---\napiVersion: v1\n", "YAML"),
        (b"# a comment\nkind: Pod\nmetadata: {}\n", "YAML"),
        (b"apiVersion: v1\nmetadata:\n  annotations: {\"a\":\"b\"}\n", "YAML"),
        (b"#!/bin/sh\n", "script"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"<html>{\"a\":1}", "HTML"),
        (b"-----BEGIN CERTIFICATE-----", "certificate"),
        (b"NAME READY STATUS\netcd-0 1/1 Running\n", "no JSON"),
        (b"func main() { return }", "no JSON"),
        (&padded(b"\x01\x02\x03\x04\x05\x06\x07\x08{\"a\":1}")[..40], "no text"),
    ];
    for (head, what) in cases {
        let reason = no_log(head).unwrap_or_default();
        assert!(reason.contains(what), "{reason:?} should contain {what:?}");
    }
}

#[test]
fn what_may_be_a_log_passes() {
    let heads: &[&[u8]] = &[
        b"",
        b"\n\n{\"kind\":\"Event\"}",
        b"\xef\xbb\xbf{\n  \"records\": []}",
        b"\0\0\0\0\0{\"kind\":\"Event\"}",
        b"[{\"a\":1}]",
        b"2026-11-20T08:00:00.1Z stderr F starting\n",
        b"2026-11-20T08:00:00.1Z AUDIT: id=\"1\"",
        b"I1120 08:00:00.000000       1 server.go:1] starting\n",
        b"<13>1 2026-11-20T08:00:00Z host kube - - - starting",
        b"<134>Nov 20 08:00:00 host kube: starting",
        b"Nov 20 08:00:00 host kube: starting",
        b"node-1.example.com {\"kind\":\"Event\"}",
        b"time,message\n1,\"{\"\"kind\"\":\"\"Event\"\"}\"\n",
        b"\"{\\\"kind\\\":\\\"Event\\\"}\"\n",
        b"H4sIAAAAAAAA\n",
        b"eyJraW5kIjoiRXZlbnQifQ==\n",
        b"kind: {\"kind\":\"Event\"}",
    ];
    for head in heads {
        assert_eq!(no_log(head), None, "{}", String::from_utf8_lossy(head));
    }
}
