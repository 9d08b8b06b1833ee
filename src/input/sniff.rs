//! What a file is by its first bytes, whatever its name says.

use flate2::{Decompress, FlushDecompress};
use memchr::memmem;

/// How many first bytes tell what a file is: a tar archive says so at byte 257.
pub(super) const MAGIC_BYTES: usize = 512;

/// The packings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878, skippable frames included.
    Zstd,
    /// Streams of bzip2 1.0.
    Bzip2,
    /// Streams of xz 5.
    Xz,
    /// What xz's forerunner wrote, without a checksum.
    Lzma,
    /// Frames of lz4 1.x.
    Lz4,
    /// The framing format of snappy.
    Snappy,
    /// RFC 1950.
    Zlib,
}

impl Packing {
    /// The packing of what begins with `head`, of which there should be [`MAGIC_BYTES`].
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            // a block header follows the level: a log line may begin with BZh
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [4, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            [0xff, 6, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Some(Self::Snappy),
            [0x5d, ..] if is_lzma(head) => Some(Self::Lzma),
            [0x78, ..] if is_zlib(head) => Some(Self::Zlib),
            _ => None,
        }
    }

    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
            Self::Zlib => "zlib",
        }
    }

    /// The command that writes what it still can of damaged data.
    pub(super) fn rescue(self) -> &'static str {
        match self {
            Self::Gzip => "gzip -dc",
            Self::Zstd => "zstd -dc",
            Self::Bzip2 => "bzip2recover",
            Self::Xz | Self::Lzma => "xz -dc",
            Self::Lz4 => "lz4 -dc",
            Self::Snappy => "snzip -dc",
            Self::Zlib => "zlib-flate -uncompress",
        }
    }
}

/// The format has no magic number: the usual properties, a dictionary of a round size, a believable length, and the
/// zero that the range coder begins with.
fn is_lzma(head: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = head.get(1..5).and_then(<[u8]>::first_chunk) else { return false };
    let Some(length) = head.get(5..13).and_then(<[u8]>::first_chunk).map(|bytes| u64::from_le_bytes(*bytes)) else {
        return false;
    };
    let dictionary = u32::from_le_bytes([a, b, c, d]);
    let is_round = dictionary.is_power_of_two()
        || dictionary.count_ones() == 2 && dictionary.leading_zeros() + dictionary.trailing_zeros() == 30;
    is_round && dictionary >= 1 << 12 && (length == u64::MAX || length < 1 << 38) && head.get(13) == Some(&0)
}

/// Two bytes are a thin magic number, so the content must unpack as far as it is there.
fn is_zlib(head: &[u8]) -> bool {
    const NEEDS_DICTIONARY: u8 = 0x20;
    let Some(&[method, flags]) = head.first_chunk() else { return false };
    let is_header = u16::from_be_bytes([method, flags]).is_multiple_of(31) && flags & NEEDS_DICTIONARY == 0;
    is_header && Decompress::new(true).decompress(head, &mut [0; 4 << 10], FlushDecompress::None).is_ok()
}

/// The archives whose members are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// Of any age: v7, ustar, GNU, pax.
    Tar,
    /// With its directory at the end.
    Zip,
}

impl Container {
    /// The archive that begins with `head`, of which there should be [`MAGIC_BYTES`].
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Some(Self::Zip),
            _ => is_tar(head).then_some(Self::Tar),
        }
    }

    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::Zip => "zip",
        }
    }
}

/// By the checksum, which v7 has too; where that is wrong, by the name of the format and zeros where no text has any, so
/// that the text of a log cannot pass for an archive.
fn is_tar(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<512>() else { return false };
    is_tar_header(block) || &block[257..262] == b"ustar" && block[..257].contains(&0)
}

/// Whether the checksum of a tar header is right.
pub(super) fn is_tar_header(block: &[u8; 512]) -> bool {
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let Ok(told) = tar::Header::from_byte_slice(block).cksum() else { return false };
    let byte = |at: usize| if CHECKSUM.contains(&at) { b' ' } else { block[at] };
    let sum: u32 = (0..block.len()).map(|at| u32::from(byte(at))).sum();
    // some old writers summed signed bytes
    let signed: i64 = (0..block.len()).map(|at| i64::from(byte(at).cast_signed())).sum();
    told == sum || i64::from(told) == signed
}

/// Why content that begins with `head` cannot be a log, and what to do about it.
pub(super) fn foreign(head: &[u8]) -> Option<String> {
    if let Some(encoding) = wide_text(head) {
        return Some(format!("looks like {encoding} text; convert it first: iconv -f {encoding} -t UTF-8"));
    }
    if let Some(archive) = Container::of(head).map(Container::name).or_else(|| archive(head)) {
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

/// Archives and packings that are known but not read.
fn archive(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some("7z"),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Some("RAR"),
        [0x1f, 0x9d, ..] => Some("compress (.Z)"),
        [b'L', b'Z', b'I', b'P', 0 | 1, ..] => Some("lzip"),
        [0x89, b'L', b'Z', b'O', 0, ..] => Some("lzop"),
        [2, 0x21, 0x4c, 0x18, ..] => Some("legacy lz4"),
        _ => None,
    }
}

fn binary(head: &[u8]) -> Option<&'static str> {
    const FORMATS: &[(&[u8], &str)] = &[
        (b"\x7fELF", "an ELF program"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"PAR1", "a Parquet file"),
        (b"ARROW1\0", "an Arrow file"),
        (b"Obj\x01", "an Avro file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"LPKSHHRH", "a systemd journal"),
        (b"%PDF-", "a PDF document"),
    ];
    FORMATS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}

/// What content that begins with `head` plainly is instead of a log with audit events.
///
/// For files that nobody named, such as those of a support bundle: what may hold an event further on passes.
pub(super) fn no_log(head: &[u8]) -> Option<&'static str> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != 0)?;
    let text = &text[start..];
    if is_binary(text) {
        return Some("is no text");
    }
    if text.starts_with(b"#!") {
        return Some("is a script");
    }
    if text.starts_with(b"-----BEGIN ") {
        return Some("is a certificate or a key");
    }
    if let [b'<', b'!' | b'?' | b'a'..=b'z' | b'A'..=b'Z', ..] = text {
        return Some("is HTML or XML");
    }
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && line[0] != b'#').unwrap_or_default();
    if is_yaml(first) {
        return Some("is YAML");
    }
    (!holds_json(text) && !is_log_line(first)).then_some("holds no JSON where it begins")
}

/// More than a stray byte or a hole of zeros: a tenth of it is no text.
fn is_binary(text: &[u8]) -> bool {
    let start = &text[..text.len().min(1 << 10)];
    let is_control = |byte: &&u8| (1..0x20).contains(*byte) && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b);
    start.iter().filter(is_control).count() * 10 > start.len()
}

fn is_yaml(line: &[u8]) -> bool {
    const STARTS: &[&[u8]] = &[b"apiVersion:", b"kind:", b"items:", b"metadata:", b"- apiVersion:", b"- kind:"];
    line == b"---" || STARTS.iter().any(|start| line.starts_with(start)) && !line.contains(&b'{')
}

/// An object with a key, also within a string or a CSV cell; the older text format; JSON or gzip in base64.
fn holds_json(text: &[u8]) -> bool {
    const OTHERS: &[&[u8]] = &[b"AUDIT: id=", b"eyJ", b"H4sI"];
    let is_quote_next = |at: usize| {
        let behind = text[at + 1..].iter().find(|byte| !byte.is_ascii_whitespace() && **byte != b'\\');
        matches!(behind, Some(b'"'))
    };
    memchr::memchr_iter(b'{', text).any(is_quote_next) || OTHERS.iter().any(|mark| memmem::find(text, mark).is_some())
}

/// Whether a line begins as those of logs do: audit events may follow where a server logs them among its own words.
fn is_log_line(line: &[u8]) -> bool {
    const MONTHS: &[&[u8]] =
        &[b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let digits = |from: usize, to: usize| line.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    match line {
        [b'I' | b'W' | b'E' | b'F', ..] if digits(1, 5) => true,
        [b'<', digit, ..] => digit.is_ascii_digit(),
        [_, _, _, b' ', ..] => MONTHS.contains(&&line[..3]),
        _ => digits(0, 4) && line.get(4) == Some(&b'-') && digits(5, 7),
    }
}

#[cfg(test)]
mod tests;
