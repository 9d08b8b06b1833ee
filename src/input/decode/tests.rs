//! Decoding: by content, whole or cut, never more than a bomb may.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zst(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

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

fn decoder(bytes: &[u8]) -> Result<Decoder, String> {
    Decoder::new(Box::new(Trickle(bytes.to_vec(), 0)), Some(bytes.len() as u64))
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
        [skippable.clone(), zst(b"a\n"), zst(b""), skippable, zst(b"b\n")].concat(),
        [gz(b"a\n"), zst(b"b\n")].concat(),
    ];
    for packed in cases {
        assert_eq!(decoded(&packed), (b"a\nb\n".to_vec(), Ending::Whole));
    }
}

#[test]
fn a_large_file_of_either_packing_is_whole() {
    let log = log(50_000);
    assert_eq!(decoded(&gz(&log)), (log.clone(), Ending::Whole));
    assert_eq!(decoded(&zst(&log)), (log, Ending::Whole));
}

#[test]
fn an_empty_packed_file_is_whole() {
    assert_eq!(decoded(&gz(b"")), (Vec::new(), Ending::Whole));
    assert_eq!(decoded(&zst(b"")), (Vec::new(), Ending::Whole));
}

#[test]
fn a_packed_file_cut_anywhere_gives_a_prefix_and_says_so() {
    let log = log(200);
    for packed in [gz(&log), zst(&log)] {
        for cut in 4..packed.len() {
            let (out, ending) = decoded(&packed[..cut]);
            assert!(log.starts_with(&out), "cut at {cut}");
            assert!(matches!(ending, Ending::Truncated(_)), "cut at {cut}: {ending:?}");
        }
    }
}

#[test]
fn much_of_a_cut_file_is_saved() {
    let log = log(50_000);
    for packed in [gz(&log), zst(&log)] {
        let (out, _) = decoded(&packed[..packed.len() / 2]);
        assert!(out.len() > log.len() / 3, "{} of {}", out.len(), log.len());
    }
}

#[test]
fn a_cut_last_member_keeps_those_before() {
    let last = gz(b"the last member\n");
    let packed = [gz(b"a\n"), last[..last.len() - 3].to_vec()].concat();
    let (out, ending) = decoded(&packed);
    assert!(out.starts_with(b"a\n"));
    assert!(matches!(ending, Ending::Truncated(_)));
}

#[test]
fn zeros_behind_and_between_members_are_padding() {
    for zeros in [1, 600, 600_000] {
        let zeros = vec![0; zeros];
        for pack in [gz, zst] {
            let packed = [pack(b"a\n"), zeros.clone(), pack(b"b\n"), zeros.clone()].concat();
            assert_eq!(decoded(&packed), (b"a\nb\n".to_vec(), Ending::Whole));
        }
    }
}

#[test]
fn garbage_behind_the_end_is_told_and_ignored() {
    for pack in [gz, zst] {
        let packed = [pack(b"a\n"), b"garbage".to_vec()].concat();
        let (out, ending) = decoded(&packed);
        assert_eq!(out, b"a\n");
        assert!(matches!(&ending, Ending::Garbage(text) if text.starts_with("7 bytes")), "{ending:?}");
    }
}

#[test]
fn a_bad_checksum_refuses_the_file() {
    let log = log(1_000);
    for (packed, from_end) in [(gz(&log), 8), (gz(&log), 1), (zst(&log), 1)] {
        let mut packed = packed;
        let at = packed.len() - from_end;
        packed[at] ^= 1;
        let reason = refusal(&packed);
        assert!(reason.contains("is damaged") && reason.contains("-dc"), "{reason}");
    }
}

#[test]
fn damage_in_the_middle_refuses_the_file() {
    let log = log(20_000);
    for packed in [gz(&log), zst(&log)] {
        let mut packed = packed;
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
fn archives_and_binaries_are_refused_also_within_gzip() {
    assert_eq!(refusal(b"PK\x03\x04\x14\0\0\0"), "looks like a zip archive; unpack it first");
    let mut tar = vec![b'x'; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    assert_eq!(refusal(&gz(&tar)), "its content looks like a tar archive; unpack it first");
    assert!(refusal(&zst(b"PAR1....")).contains("Parquet"));
    assert!(refusal(&gz(&gz(b"a\n"))).contains("packed twice"));
}

#[test]
fn a_bomb_is_stopped() {
    for packed in [gz(&vec![b'x'; 8 << 20]), zst(&vec![b'x'; 8 << 20])] {
        let mut decoder = decoder(&packed).unwrap();
        decoder.free_bytes = 1 << 20;
        let error = io::copy(&mut decoder, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("expands more than 400 to 1"), "{error}");
    }
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
fn a_file_that_shrinks_while_it_is_read_is_truncated() {
    let mut decoder = Decoder::new(Box::new(&b"{}\n{"[..]), Some(100)).unwrap();
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).unwrap();
    assert_eq!(out, b"{}\n{");
    assert!(matches!(decoder.ending(), Ending::Truncated(text) if text.contains("from 100 bytes to 4")));
}

#[test]
fn the_head_can_be_looked_at_again_and_again() {
    let log = log(2_000);
    for packed in [log.clone(), gz(&log), zst(&log)] {
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
    let mut decoder = Decoder::new(Box::new(Failing(false)), None);
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
        Source { name, place, bytes: 0, modified_ns: 0, cluster: None, envelope: None }
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
}
