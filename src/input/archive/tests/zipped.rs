//! Zip archives, as their directory has them and as it does not.

use std::io::Write;

use flate2::write::DeflateEncoder;
use rawzip::{CompressionMethod, ZipArchiveWriter};

use super::*;

/// An archive whose members tell their sizes behind their data.
fn zip(members: &[(&str, CompressionMethod, &[u8])]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, method, content) in members {
        let (mut entry, config) = archive.new_file(*name).compression_method(*method).start().unwrap();
        let output = if *method == CompressionMethod::DEFLATE {
            let encoder = DeflateEncoder::new(&mut entry, flate2::Compression::default());
            let mut writer = config.wrap(encoder);
            writer.write_all(content).unwrap();
            let (encoder, output) = writer.finish().unwrap();
            encoder.finish().unwrap();
            output
        } else {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(content).unwrap();
            writer.finish().unwrap().1
        };
        entry.finish(output).unwrap();
    }
    archive.finish().unwrap()
}

/// Where the record of the first member begins in the directory.
fn directory(archive: &[u8]) -> usize {
    memchr::memmem::find(archive, b"PK\x01\x02").unwrap()
}

#[test]
fn stored_and_deflated_members_are_sources() {
    let scratch = Scratch::new();
    let log = log(0..3_000);
    let archive = zip(&[
        ("audit/a.log", CompressionMethod::STORE, &log),
        ("audit/b.log", CompressionMethod::DEFLATE, &log),
        ("audit/c.log.gz", CompressionMethod::STORE, &gz(&log)),
        ("audit/d.log.zst", CompressionMethod::DEFLATE, &zst(&log)),
        ("pod.yaml", CompressionMethod::DEFLATE, b"kind: Pod\n"),
        ("empty", CompressionMethod::STORE, b""),
        ("_meta/x.log", CompressionMethod::STORE, &log),
    ]);
    let found = scratch.listed("logs.zip", &archive);
    assert_eq!(
        names(&found),
        ["logs.zip!/audit/a.log", "logs.zip!/audit/b.log", "logs.zip!/audit/c.log.gz", "logs.zip!/audit/d.log.zst"]
    );
    for source in &found.sources {
        assert_eq!(content(source).unwrap(), (log.clone(), Ending::Whole));
        assert_eq!(head(source, 7).unwrap(), &log[..7]);
    }
    let expected = [("logs.zip!/pod.yaml", "is YAML"), ("logs.zip!/empty", "is empty")];
    assert_eq!(skipped(&found), expected.map(|(name, reason)| (name.to_owned(), reason)));
}

#[test]
fn members_that_cannot_be_unpacked_are_skipped() {
    let scratch = Scratch::new();
    let log = log(0..3);
    let mut archive = zip(&[
        ("a.log", CompressionMethod::STORE, &log),
        ("b.log", CompressionMethod::LZMA, &log),
        ("c.log", CompressionMethod::STORE, &log),
    ]);
    let record = directory(&archive);
    archive[record + 8] |= 1;
    let found = scratch.listed("logs.zip", &archive);
    assert_eq!(names(&found), ["logs.zip!/c.log"]);
    assert!(found.skipped[0].1.starts_with("is encrypted"));
    assert!(found.skipped[1].1.starts_with("is packed in a way that is not read"));
}

#[test]
fn wrong_sizes_and_checksums_are_damage() {
    const CRC: usize = 16;
    const BYTES: usize = 24;
    let scratch = Scratch::new();
    let log = log(0..3_000);
    for method in [CompressionMethod::STORE, CompressionMethod::DEFLATE] {
        let archive = zip(&[("a.log", method, &log)]);
        let record = directory(&archive);
        let flip = |at: usize, bit: u8| {
            let mut archive = archive.clone();
            archive[record + at] ^= bit;
            archive
        };
        let of_bytes = u8::try_from(log.len() % 256).unwrap();
        let (longer, shorter) = (!of_bytes & of_bytes.wrapping_add(1), of_bytes & of_bytes.wrapping_neg());
        let cases = [
            (flip(CRC, 1), "checksum"),
            (flip(BYTES, longer), "shorter than it says"),
            (flip(BYTES, shorter), "longer"),
        ];
        for (archive, what) in cases {
            let found = scratch.listed("logs.zip", &archive);
            let reason = content(&found.sources[0]).unwrap_err();
            assert!(reason.contains("the zip data is damaged") && reason.contains(what), "{reason}");
        }
    }
}

#[test]
fn a_zip_that_is_cut_off_is_refused() {
    let scratch = Scratch::new();
    let archive = zip(&[("a.log", CompressionMethod::DEFLATE, &log(0..300))]);
    for cut in (30..archive.len()).step_by(97) {
        let found = scratch.listed("logs.zip", &archive[..cut]);
        assert_eq!(names(&found), ["logs.zip"], "cut at {cut}");
        assert!(content(&found.sources[0]).unwrap_err().contains("zip"), "cut at {cut}");
    }
}

#[test]
fn a_directory_that_lists_fewer_members_than_it_counts_is_told() {
    let scratch = Scratch::new();
    let mut archive = zip(&[("a.log", CompressionMethod::STORE, &log(0..3))]);
    let end = archive.len() - 22;
    archive[end + 10] = 2;
    let found = scratch.listed("logs.zip", &archive);
    assert_eq!(names(&found), ["logs.zip!/a.log", "logs.zip"]);
    assert!(content(&found.sources[1]).unwrap_err().contains("lists 1 of 2 members"));
}

#[test]
fn members_that_share_their_data_are_a_bomb() {
    let scratch = Scratch::new();
    let archive = zip(&[("a.log", CompressionMethod::DEFLATE, &vec![b' '; 4 << 20])]);
    let (start, end) = (directory(&archive), archive.len() - 22);
    let record = &archive[start..end];
    let copies = 400_u16;
    let mut bomb = [&archive[..start], &record.repeat(copies.into())].concat();
    let mut tail = archive[end..].to_vec();
    tail[8..10].copy_from_slice(&copies.to_le_bytes());
    tail[10..12].copy_from_slice(&copies.to_le_bytes());
    let bytes = u32::try_from(record.len() * usize::from(copies)).unwrap();
    tail[12..16].copy_from_slice(&bytes.to_le_bytes());
    bomb.extend_from_slice(&tail);
    let found = scratch.listed("logs.zip", &bomb);
    assert_eq!(names(&found), ["logs.zip"]);
    assert!(content(&found.sources[0]).unwrap_err().contains("expands more than 400 to 1"));
}

#[test]
fn sizes_of_zip64_are_read() {
    let scratch = Scratch::new();
    let log = log(0..10);
    let mut crc = flate2::Crc::new();
    crc.update(&log);
    let (crc, length) = (crc.sum().to_le_bytes(), log.len() as u64);
    let name = b"a.log";
    let mut archive = b"PK\x03\x04\x2d\0\0\0\0\0\0\0\0\0".to_vec();
    archive.extend_from_slice(&crc);
    archive.extend_from_slice(&[&[0xff; 8][..], &[5, 0, 20, 0], name, &[1, 0, 16, 0]].concat());
    archive.extend_from_slice(&[length.to_le_bytes(), length.to_le_bytes()].concat());
    archive.extend_from_slice(&log);
    let directory = archive.len() as u64;
    archive.extend_from_slice(b"PK\x01\x02\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
    archive.extend_from_slice(&crc);
    archive.extend_from_slice(&[&[0xff; 8][..], &[5, 0, 20, 0], &[0; 14], name, &[1, 0, 16, 0]].concat());
    archive.extend_from_slice(&[length.to_le_bytes(), length.to_le_bytes()].concat());
    let end = archive.len() as u64;
    archive.extend_from_slice(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
    for number in [1, 1, end - directory, directory] {
        archive.extend_from_slice(&u64::to_le_bytes(number));
    }
    archive.extend_from_slice(&[b"PK\x06\x07\0\0\0\0", &end.to_le_bytes()[..], &[1, 0, 0, 0]].concat());
    archive.extend_from_slice(&[&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 12], &[0, 0]].concat());
    let found = scratch.listed("logs.zip", &archive);
    assert_eq!(names(&found), ["logs.zip!/a.log"]);
    assert_eq!(content(&found.sources[0]).unwrap(), (log, Ending::Whole));
}
