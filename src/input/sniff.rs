//! What a file is by its first bytes, whatever its name says.

/// How many first bytes tell what a file is: a tar archive says so at byte 257.
pub(super) const MAGIC_BYTES: usize = 512;

/// The packings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878, skippable frames included.
    Zstd,
}

impl Packing {
    /// The packing of what begins with `head`.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// Why content that begins with `head` cannot be a log, and what to do about it.
pub(super) fn foreign(head: &[u8]) -> Option<String> {
    if let Some(encoding) = wide_text(head) {
        return Some(format!("looks like {encoding} text; convert it first: iconv -f {encoding} -t UTF-8"));
    }
    if let Some(archive) = archive(head) {
        return Some(format!("looks like a {archive} archive; unpack it first"));
    }
    binary(head).map(|format| format!("looks like {format}, not a log; leave it out"))
}

fn wide_text(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ => None,
    }
}

fn archive(head: &[u8]) -> Option<&'static str> {
    if head.get(257..262) == Some(b"ustar") {
        return Some("tar");
    }
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Some("zip"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some("7z"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
        // a block header follows the level: a log line may begin with BZh
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, ..] => Some("bzip2"),
        [4, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
        [0xff, 6, 0, 0, b's', b'N', b'a', b'P', ..] => Some("snappy"),
        _ => None,
    }
}

fn binary(head: &[u8]) -> Option<&'static str> {
    const FORMATS: &[(&[u8], &str)] = &[
        (b"\x7fELF", "an ELF program"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"PAR1", "a Parquet file"),
        (b"ARROW1\0", "an Arrow file"),
        (b"Obj\x01", "an Avro file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"LPKSHHRH", "a systemd journal"),
        (b"%PDF-", "a PDF document"),
    ];
    FORMATS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_formats_are_named_with_a_hint() {
        let mut tar = vec![b'x'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let cases: &[(&[u8], &str)] = &[
            (&tar, "tar archive; unpack"),
            (b"PK\x03\x04....", "zip archive; unpack"),
            (b"\xfd7zXZ\0\0", "xz archive"),
            (b"BZh91AY&SY", "bzip2"),
            (b"\x04\x22\x4d\x18", "lz4"),
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
        }
    }

    #[test]
    fn logs_are_not_foreign() {
        let heads: &[&[u8]] = &[
            b"",
            b"{",
            b"\xef\xbb\xbf{}",
            b"\0\0\0\0",
            b"BZh9 is how this line begins",
            b"2026-01-01 stdout F {}",
            b"PK",
        ];
        for head in heads {
            assert_eq!(foreign(head), None, "{head:?}");
            assert_eq!(Packing::of(head), None, "{head:?}");
        }
    }
}
