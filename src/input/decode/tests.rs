//! Decoding: by content, whole or cut, however often packed, never more than a bomb may.

mod hostile;

use std::io::Write;

use flate2::Compression;

use super::*;
use crate::input::tests::pack::{ALL, ENDED, bz2, gz, lz4, lzma, snappy, xz, zlib, zst};

/// Lines that do not compress to nothing.
fn log(lines: u64) -> Vec<u8> {
    let mut log = Vec::new();
    for line in 0..lines {
        let noise = line.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        writeln!(log, r#"{{"line":{line},"noise":"{noise:x}"}}"#).unwrap();
    }
    log
}

/// Hands out a few bytes at a time, so that every member begins somewhere in a read.
struct Trickle(Vec<u8>, usize);

impl Read for Trickle {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = into.len().min(3).min(self.0.len() - self.1);
        into[..n].copy_from_slice(&self.0[self.1..self.1 + n]);
        self.1 += n;
        Ok(n)
    }
}

fn feed(reader: impl Read + Send + 'static, expected: Option<u64>) -> Feed {
    Feed { reader: Box::new(reader), expected, shrunk: "the file shrank while it was read", allowance: None }
}

fn decoder(bytes: &[u8]) -> Result<Decoder, String> {
    Decoder::new(feed(Trickle(bytes.to_vec(), 0), Some(bytes.len() as u64)))
}

/// All that is decoded of `bytes`, and how it ended.
fn decoded(bytes: &[u8]) -> (Vec<u8>, Ending) {
    let mut decoder = decoder(bytes).unwrap();
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).unwrap();
    assert_eq!(decoder.compressed_read(), bytes.len() as u64);
    (out, decoder.ending())
}

/// Why `bytes` are refused, be it at once or while reading.
fn refusal(bytes: &[u8]) -> String {
    match decoder(bytes) {
        Err(reason) => reason,
        Ok(mut decoder) => decoder.read_to_end(&mut Vec::new()).unwrap_err().to_string(),
    }
}

#[test]
fn plain_text_comes_through_untouched() {
    for text in [&b""[..], b"{", b"{}\n", b"\xef\xbb\xbf{}\r\n", b"\0\0\0\0", &log(5_000)] {
        assert_eq!(decoded(text), (text.to_vec(), Ending::Whole));
    }
}

#[test]
fn all_members_and_frames_are_read() {
    let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"notes"].concat();
    let cases = [
        [gz(b"a\n"), gz(b""), gz(b"b\n")].concat(),
        [skippable.clone(), zst(b"a\n"), zst(b""), skippable.clone(), zst(b"b\n")].concat(),
        [gz(b"a\n"), zst(b"b\n")].concat(),
        [gz(b"a\n"), bz2(b""), xz(b"b\n"), lz4(b"")].concat(),
        [bz2(b"a\n"), lzma(b"b\n"), snappy(b"")].concat(),
        [skippable.clone(), lz4(b"a\n"), skippable, lz4(b"b\n")].concat(),
    ];
    let twice = ALL.map(|pack| [pack(b"a\n"), pack(b""), pack(b"b\n")].concat());
    for packed in cases.into_iter().chain(twice) {
        assert_eq!(decoded(&packed), (b"a\nb\n".to_vec(), Ending::Whole));
    }
}

#[test]
fn a_large_file_of_any_packing_is_whole() {
    let log = log(50_000);
    for pack in ALL {
        assert_eq!(decoded(&pack(&log)), (log.clone(), Ending::Whole));
    }
}

#[test]
fn an_empty_packed_file_is_whole() {
    for pack in ALL {
        assert_eq!(decoded(&pack(b"")), (Vec::new(), Ending::Whole));
    }
}

#[test]
fn a_packed_file_cut_anywhere_gives_a_prefix_and_says_so() {
    let log = log(600);
    for (index, pack) in ALL.into_iter().enumerate() {
        let packed = pack(&log);
        let step = if index < 2 { 13 } else { 97 };
        for cut in (16..packed.len()).step_by(step) {
            let (out, ending) = decoded(&packed[..cut]);
            assert!(log.starts_with(&out), "cut at {cut}");
            assert!(matches!(ending, Ending::Truncated(_)), "{index} cut at {cut}: {ending:?}");
        }
    }
}

#[test]
fn much_of_a_cut_file_is_saved() {
    let log = log(50_000);
    for pack in ALL {
        let packed = pack(&log);
        let (out, _) = decoded(&packed[..packed.len() / 2]);
        assert!(out.len() > log.len() / 3, "{} of {}", out.len(), log.len());
    }
}

#[test]
fn a_cut_last_member_keeps_those_before() {
    for pack in ENDED {
        let last = pack(b"the last member\n");
        let packed = [pack(b"a\n"), last[..last.len() - 3].to_vec()].concat();
        let (out, ending) = decoded(&packed);
        assert!(out.starts_with(b"a\n"));
        assert!(matches!(ending, Ending::Truncated(_)));
    }
}

#[test]
fn zeros_behind_and_between_members_are_padding() {
    for zeros in [1, 600, 600_000] {
        let zeros = vec![0; zeros];
        for pack in ENDED {
            let packed = [pack(b"a\n"), zeros.clone(), pack(b"b\n"), zeros.clone()].concat();
            assert_eq!(decoded(&packed), (b"a\nb\n".to_vec(), Ending::Whole));
        }
    }
}

#[test]
fn garbage_behind_the_end_is_told_and_ignored() {
    for pack in ENDED {
        let packed = [pack(b"a\n"), b"garbage".to_vec()].concat();
        let (out, ending) = decoded(&packed);
        assert_eq!(out, b"a\n");
        assert!(matches!(&ending, Ending::Garbage(text) if text.starts_with("7 bytes")), "{ending:?}");
    }
}

#[test]
fn a_bad_checksum_refuses_the_file() {
    let log = log(1_000);
    let xz_index = 13;
    let cases = [
        (gz(&log), 8),
        (gz(&log), 1),
        (zst(&log), 1),
        (lz4(&log), 1),
        (zlib(&log), 1),
        (xz(&log), xz_index),
        (bz2(&log), 3),
    ];
    for (mut packed, from_end) in cases {
        let at = packed.len() - from_end;
        packed[at] ^= 1;
        let reason = refusal(&packed);
        assert!(reason.contains("is damaged") && reason.contains("save what"), "{reason}");
    }
}

#[test]
fn damage_in_the_middle_refuses_the_file() {
    let log = log(20_000);
    for pack in [gz, zst, bz2, xz, lz4, snappy, zlib] {
        let mut packed = pack(&log);
        let middle = packed.len() / 2;
        packed[middle..middle + 64].fill(0xff);
        assert!(refusal(&packed).contains("is damaged"));
    }
    assert!(refusal(b"\x1f\x8b\x09\0 not a gzip header").contains("is damaged"));
}

#[test]
fn the_name_in_a_gzip_header_is_ignored() {
    let mut encoder = flate2::GzBuilder::new()
        .filename("../../etc/cron.d/x")
        .comment("c".repeat(60_000))
        .extra(vec![7; 60_000])
        .write(Vec::new(), Compression::fast());
    encoder.write_all(b"a\n").unwrap();
    assert_eq!(decoded(&encoder.finish().unwrap()).0, b"a\n");
}

#[test]
fn repetitive_content_below_the_free_size_is_no_bomb() {
    assert_eq!(decoded(&gz(&vec![b'x'; 8 << 20])).0.len(), 8 << 20);
}

#[test]
fn a_zstd_window_beyond_the_limit_is_refused() {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(&log(1_000)).unwrap();
    assert!(refusal(&encoder.finish().unwrap()).contains("too much memory"));
}

#[test]
fn an_xz_dictionary_beyond_the_limit_is_refused() {
    let mut packed = xz(&log(10));
    let block = 12..20;
    assert_eq!(packed[14..16], [0x21, 1], "the header of an LZMA2 filter with one byte of properties");
    packed[16] = 40;
    let mut crc = flate2::Crc::new();
    crc.update(&packed[block.clone()]);
    packed[block.end..block.end + 4].copy_from_slice(&crc.sum().to_le_bytes());
    let huge_lzma = [&[0x5d, 0, 0, 0, 0x40][..], &[0xff; 8], &[0; 100]].concat();
    for packed in [packed, huge_lzma] {
        assert!(refusal(&packed).contains("too much memory, more than the 128 MiB"));
    }
}

#[test]
fn every_packing_within_every_other_is_undone() {
    let log = log(500);
    for outer in ALL {
        for inner in ALL {
            assert_eq!(decoded(&outer(&inner(&log))), (log.clone(), Ending::Whole));
        }
    }
    let thrice = gz(&zst(&gz(&log)));
    assert_eq!(decoded(&thrice).0, log);
    assert_eq!(decoder(&thrice).unwrap().packings().collect::<Vec<_>>(), ["gzip", "zstd", "gzip"]);
    assert_eq!(refusal(&bz2(&thrice)), "is packed more than 3 times; unpack it first");
}

#[test]
fn members_that_are_packed_once_more_follow_each_other() {
    let packed = [gz(&[gz(b"a\n"), gz(b"b\n")].concat()), gz(&zst(b"c\n"))].concat();
    assert_eq!(decoded(&packed), (b"a\nb\nc\n".to_vec(), Ending::Whole));
}

#[test]
fn a_cut_or_garbage_in_either_packing_is_told() {
    let log = log(20_000);
    let inner = gz(&log);
    let (out, ending) = decoded(&zst(&inner[..inner.len() / 2]));
    assert!(log.starts_with(&out) && out.len() > log.len() / 3);
    assert!(matches!(ending, Ending::Truncated(what) if what.contains("gzip")));

    let outer = zst(&inner);
    let (out, ending) = decoded(&outer[..outer.len() / 2]);
    assert!(log.starts_with(&out) && out.len() > log.len() / 3);
    assert!(matches!(ending, Ending::Truncated(what) if what.contains("zstd")));

    let (_, ending) = decoded(&gz(&[gz(b"a\n"), b"rest".to_vec()].concat()));
    assert!(matches!(ending, Ending::Garbage(what) if what.starts_with("4 bytes")));
}

#[test]
fn damage_below_is_told_of_the_packing_that_has_it() {
    let mut outer = bz2(&gz(&log(50_000)));
    let middle = outer.len() / 2;
    outer[middle] ^= 1;
    let reason = refusal(&outer);
    assert!(reason.starts_with("the bzip2 data is damaged") && !reason.contains("gzip"), "{reason}");
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_truncated() {
    let mut decoder = Decoder::new(feed(&b"{}\n{"[..], Some(100))).unwrap();
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).unwrap();
    assert_eq!(out, b"{}\n{");
    assert!(matches!(decoder.ending(), Ending::Truncated(text) if text.contains("from 100 bytes to 4")));
}

#[test]
fn the_head_can_be_looked_at_again_and_again() {
    let log = log(2_000);
    for packed in [log.clone(), gz(&log), zst(&log), xz(&log), lz4(&gz(&log))] {
        let mut decoder = decoder(&packed).unwrap();
        assert_eq!(decoder.head(10).unwrap(), &log[..10]);
        assert_eq!(decoder.head(5_000).unwrap(), &log[..5_000]);
        let mut first = [0; 100];
        decoder.read_exact(&mut first).unwrap();
        assert_eq!(decoder.head(50).unwrap(), &log[100..150]);
        let mut rest = Vec::new();
        decoder.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, &log[100..]);
        assert_eq!(decoder.head(10).unwrap(), b"");
    }
}

#[test]
fn errors_of_the_disk_pass_through() {
    struct Failing(bool);
    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::from_raw_os_error(5));
            }
            let packed = gz(&log(20_000));
            let n = into.len().min(packed.len() / 2);
            into[..n].copy_from_slice(&packed[..n]);
            Ok(n)
        }
    }
    let mut decoder = Decoder::new(feed(Failing(false), None));
    let error = match &mut decoder {
        Ok(decoder) => io::copy(decoder, &mut io::sink()).unwrap_err().to_string(),
        Err(reason) => reason.clone(),
    };
    assert!(error.contains("os error 5") && !error.contains("damaged"), "{error}");
}

mod files {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn source(path: &Path) -> Source {
        let (name, place) = (path.display().to_string(), Place::File(path.to_path_buf()));
        Source { name, place, bytes: 0, modified_ns: 0, named: true, cluster: None, envelope: None }
    }

    #[test]
    fn a_file_is_read_to_the_size_that_it_had_when_it_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, "one\n").unwrap();
        let mut decoder = open(&source(&path)).unwrap();
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"two\n").unwrap();
        let mut out = String::new();
        decoder.read_to_string(&mut out).unwrap();
        assert_eq!((out.as_str(), decoder.ending()), ("one\n", Ending::Whole));
    }

    #[test]
    fn a_vanished_file_and_a_foreign_one_are_input_errors_that_name_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let vanished = open(&source(&path)).err().unwrap();
        fs::write(&path, "\x7fELF").unwrap();
        let foreign = open(&source(&path)).err().unwrap();
        let folder = open(&source(folder.path())).err().unwrap();
        for error in [vanished, foreign, folder] {
            assert_eq!(error.exit_code(), 4);
            assert!(error.to_string().starts_with('/'), "{error}");
        }
    }

    #[test]
    fn archives_and_binaries_are_refused_also_within_gzip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let refusal = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            open(&source(&path)).err().unwrap().to_string()
        };
        assert!(refusal(b"PK\x03\x04\x14\0\0\0").ends_with(": looks like a zip archive; unpack it first"));
        let mut tar = tar::Builder::new(Vec::new());
        tar.append_data(&mut tar::Header::new_gnu(), "a.log", &b""[..]).unwrap();
        let tar = tar.into_inner().unwrap();
        assert!(refusal(&gz(&tar)).ends_with(": its content looks like a tar archive; unpack it first"));
        assert!(refusal(&zst(b"PAR1....")).contains("its content looks like a Parquet file"));
    }
}
