//! Chunks: every byte once, in order, with right numbers and offsets.

use proptest::prelude::*;

use super::*;

/// Hands out `step` bytes at a time.
struct Steps<'a>(&'a [u8], usize);

impl Read for Steps<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(into.len()).min(self.0.len());
        into[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn pieces_of<R: Read>(chunker: &mut Chunker<R>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while let Some(piece) = chunker.next_chunk().unwrap() {
        pieces.push(piece);
    }
    pieces
}

fn pieces(bytes: &[u8], chunk_bytes: usize, line_bytes_max: usize) -> Vec<Piece> {
    let mut chunker = Chunker::new(Steps(bytes, 7)).with_sizes(chunk_bytes, line_bytes_max);
    let pieces = pieces_of(&mut chunker);
    assert_eq!(chunker.content(), (bytes.len() as u64, blake3::hash(bytes)));
    pieces
}

/// The lines of all chunks: number, offset, text.
fn lines_of(pieces: &[Piece]) -> Vec<(u64, u64, Vec<u8>)> {
    let mut lines = Vec::new();
    for piece in pieces {
        let Piece::Lines(chunk) = piece else { continue };
        let (mut line, mut offset) = (chunk.lines_before, chunk.offset);
        for text in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
            line += 1;
            lines.push((line, offset, text.to_vec()));
            offset += text.len() as u64;
        }
    }
    lines
}

fn text(bytes: &str) -> Piece {
    Piece::Lines(Chunk { bytes: bytes.into(), lines_before: 0, offset: 0 })
}

#[test]
fn a_small_file_is_one_chunk() {
    assert_eq!(pieces(b"", 64, 64), []);
    for content in ["a\n", "a", "a\r\nb\r\n", "\n", "\n\n\n"] {
        assert_eq!(pieces(content.as_bytes(), 64, 64), [text(content)]);
    }
}

#[test]
fn chunks_end_at_lines_and_know_their_place() {
    let chunk = |bytes: &str, lines_before, offset| Piece::Lines(Chunk { bytes: bytes.into(), lines_before, offset });
    assert_eq!(
        pieces(b"one\ntwo\nthree\n4\n\nlast", 8, 64),
        [chunk("one\ntwo\n", 0, 0), chunk("three\n4\n", 2, 8), chunk("\n", 4, 16), chunk("last", 5, 17)]
    );
}

#[test]
fn a_line_longer_than_a_chunk_makes_a_longer_chunk() {
    let line = format!("{}\n", "x".repeat(100));
    assert_eq!(pieces(line.as_bytes(), 8, 100), [text(&line)]);
}

#[test]
fn a_byte_order_mark_is_hashed_and_counted_but_not_handed_out() {
    let chunk = Piece::Lines(Chunk { bytes: b"{}\n".into(), lines_before: 0, offset: 3 });
    assert_eq!(pieces(b"\xef\xbb\xbf{}\n", 64, 64), [chunk]);
    assert_eq!(pieces(b"\xef\xbb\xbf", 64, 64), []);
    let inside = lines_of(&pieces(b"{}\n\xef\xbb\xbf{}\n", 3, 64));
    assert_eq!(inside[1].2, b"\xef\xbb\xbf{}\n");
}

#[test]
fn a_line_of_the_longest_length_passes_and_one_byte_more_does_not() {
    for end in ["", "\n"] {
        let longest = format!("a\n{}{end}", "x".repeat(20));
        assert_eq!(lines_of(&pieces(longest.as_bytes(), 8, 20)).len(), 2);
        let longer = format!("a\n{}{end}", "x".repeat(21));
        let too_long = Piece::TooLong { line: 2, offset: 2, bytes: 21, head: "x".repeat(21).into() };
        assert_eq!(pieces(longer.as_bytes(), 8, 20)[1..], [too_long]);
    }
}

#[test]
fn lines_behind_a_too_long_one_keep_their_numbers() {
    let content = format!("a\n{}\nb\nc", "x".repeat(10_000));
    let pieces = pieces(content.as_bytes(), 16, 32);
    let Piece::TooLong { line: 2, offset: 2, bytes: 10_000, head } = &pieces[1] else { panic!("{pieces:?}") };
    assert_eq!(head.len(), 33, "what was read when it proved too long");
    assert_eq!(lines_of(&pieces)[1..], [(3, 10_003, b"b\n".to_vec()), (4, 10_005, b"c".to_vec())]);
}

#[test]
fn the_head_of_a_too_long_line_is_bounded() {
    let content = vec![b'x'; 50_000];
    let pieces = pieces(&content, 8_192, 16_384);
    let [Piece::TooLong { bytes: 50_000, head, .. }] = &pieces[..] else { panic!("one piece") };
    assert_eq!(head.len(), limits::REJECT_BYTES_MAX);
}

#[test]
fn an_endless_line_needs_no_more_memory_than_the_longest_allowed() {
    let mut chunker = Chunker::new(io::repeat(b'x').take(50 << 20)).with_sizes(1 << 16, 1 << 20);
    assert_eq!(pieces_of(&mut chunker).len(), 1);
    assert!(chunker.buffer.capacity() <= 2 << 20);
}

#[test]
fn a_long_run_of_nul_bytes_is_a_piece_and_the_text_around_it_is_kept() {
    for zeros in [limits::ZERO_RUN_BYTES_MAX + 1, 100_000] {
        let run = vec![0; zeros];
        let content = [b"a\n{\"cut", &run[..], b"b\nc\n", &run[..], b"\n", &run[..]].concat();
        let pieces = pieces(&content, 64, 1 << 14);
        let z = zeros as u64;
        let kinds: Vec<_> = pieces.iter().filter(|piece| matches!(piece, Piece::Zeros { .. })).cloned().collect();
        assert_eq!(
            kinds,
            [
                Piece::Zeros { line: 2, offset: 7, bytes: z },
                Piece::Zeros { line: 4, offset: 11 + z, bytes: z },
                Piece::Zeros { line: 5, offset: 12 + 2 * z, bytes: z }
            ]
        );
        let lines = lines_of(&pieces);
        let texts: Vec<_> = lines.iter().map(|(line, _, text)| (*line, text.as_slice())).collect();
        assert_eq!(texts, [(1, &b"a\n"[..]), (2, b"{\"cut"), (2, b"b\n"), (3, b"c\n"), (4, b"\n")]);
    }
}

#[test]
fn a_short_run_of_nul_bytes_is_part_of_its_line() {
    let content = [b"a", &vec![0; limits::ZERO_RUN_BYTES_MAX][..], b"b\n"].concat();
    assert_eq!(lines_of(&pieces(&content, 64, 1 << 14)), [(1, 0, content)]);
}

#[test]
fn many_runs_of_nul_bytes_take_time_in_proportion() {
    let run = [&vec![0; limits::ZERO_RUN_BYTES_MAX + 1][..], b"{}\n"].concat();
    let content = run.repeat(4_000);
    let pieces = pieces(&content, 4 << 20, 16 << 20);
    assert_eq!(pieces.len(), 8_000);
}

#[test]
fn what_was_known_is_hashed_and_counted_but_not_handed_out() {
    let content = b"one\ntwo\nthree\nfour\n";
    for (skip, first) in [(0, 0), (4, 4), (8, 8), (14, 14), (19, 19), (99, 19)] {
        for chunk_bytes in [3, 5, 8, 64] {
            let mut chunker = Chunker::new(&content[..]).with_sizes(chunk_bytes, 64).with_skip(skip);
            let lines = lines_of(&pieces_of(&mut chunker));
            assert_eq!(lines, lines_of(&pieces(content, 64, 64)).split_off(lines_before(content, first)));
            assert_eq!(chunker.content(), (19, blake3::hash(content)));
        }
    }
}

fn lines_before(content: &[u8], at: usize) -> usize {
    memchr_iter(b'\n', &content[..at]).count()
}

#[test]
fn a_line_that_grew_is_handed_out_from_its_beginning() {
    let mut chunker = Chunker::new(&b"one\ntwo and more\nthree\n"[..]).with_sizes(64, 64).with_skip(7);
    let lines = lines_of(&pieces_of(&mut chunker));
    assert_eq!(lines[0], (2, 4, b"two and more\n".to_vec()));
}

#[test]
fn a_too_long_line_and_zeros_in_the_known_part_are_not_told_again() {
    let content = [&[b'x'; 100][..], b"\n", &[0; 5_000], b"\nnew\n"].concat();
    let mut chunker = Chunker::new(&content[..]).with_sizes(16, 32).with_skip(5_102);
    assert_eq!(
        pieces_of(&mut chunker),
        [Piece::Lines(Chunk { bytes: b"new\n".into(), lines_before: 2, offset: 5_102 })]
    );
}

#[test]
fn buffers_come_back_unless_they_were_those_of_a_long_line() {
    let content = b"line\n".repeat(100);
    let mut chunker = Chunker::new(&content[..]).with_sizes(50, 64);
    chunker.recycle(Vec::with_capacity(197));
    chunker.recycle(Vec::with_capacity(1 << 20));
    let mut capacities = Vec::new();
    while let Some(piece) = chunker.next_chunk().unwrap() {
        let Piece::Lines(chunk) = piece else { panic!("{piece:?}") };
        capacities.push(chunk.bytes.capacity());
    }
    assert!(capacities.contains(&197), "{capacities:?}");
    assert!(!capacities.contains(&(1 << 20)), "{capacities:?}");
}

#[test]
fn an_error_of_the_reader_ends_the_chunks() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let mut chunker = Chunker::new((&b"a\n"[..]).chain(Failing));
    assert_eq!(chunker.next_chunk().unwrap_err().to_string(), "gone");
}

/// Text with many line breaks, some NUL bytes and, now and then, long runs.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), Just(0), Just(0xef), any::<u8>()], 0..40),
        1 => (1..300_usize).prop_map(|n| vec![b'x'; n]),
        1 => (4_000..9_000_usize).prop_map(|n| vec![0; n]),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn pieces_hold_exactly_what_was_put_in(
        content in content(), chunk_bytes in 3..200_usize, longer in 0..200_usize, step in 1..300_usize,
    ) {
        let mut chunker = Chunker::new(Steps(&content, step)).with_sizes(chunk_bytes, chunk_bytes + longer);
        let pieces = pieces_of(&mut chunker);
        let mut at = if content.starts_with(BOM) { BOM.len() } else { 0 };
        for piece in &pieces {
            let (line, offset, bytes) = match piece {
                Piece::Lines(chunk) => {
                    prop_assert_eq!(&content[at..at + chunk.bytes.len()], &chunk.bytes[..]);
                    (chunk.lines_before + 1, chunk.offset, chunk.bytes.len())
                }
                Piece::TooLong { line, offset, bytes, head } => {
                    let bytes = usize::try_from(*bytes).unwrap();
                    prop_assert!(content[at..].starts_with(head));
                    prop_assert!(bytes > chunk_bytes + longer && !content[at..at + bytes].contains(&b'\n'));
                    let ended = content.get(at + bytes) == Some(&b'\n');
                    (*line, *offset, bytes + usize::from(ended))
                }
                Piece::Zeros { line, offset, bytes } => {
                    let bytes = usize::try_from(*bytes).unwrap();
                    prop_assert!(content[at..at + bytes].iter().all(|byte| *byte == 0));
                    (*line, *offset, bytes)
                }
            };
            prop_assert_eq!(offset, at as u64);
            prop_assert_eq!(line, lines(&content[..at]) + 1);
            at += bytes;
        }
        prop_assert_eq!(at, content.len());
        prop_assert_eq!(chunker.content(), (content.len() as u64, blake3::hash(&content)));
    }

    #[test]
    fn lines_do_not_depend_on_the_sizes_of_reads_and_chunks(content in content(), chunk_bytes in 3..300_usize) {
        let expected = pieces(&content, 300, 300);
        let others = pieces(&content, chunk_bytes, 300);
        prop_assert_eq!(lines_of(&others), lines_of(&expected));
    }

    #[test]
    fn what_is_behind_a_skip_is_a_suffix(content in content(), skip in 0..400_u64) {
        let mut chunker = Chunker::new(&content[..]).with_sizes(50, 300).with_skip(skip);
        let rest = lines_of(&pieces_of(&mut chunker));
        let whole = lines_of(&pieces(&content, 50, 300));
        prop_assert!(whole.ends_with(&rest));
        // all that ends behind the skip is in it
        let new = whole.iter().filter(|(_, offset, text)| offset + text.len() as u64 > skip).count();
        prop_assert_eq!(rest.len(), new);
    }
}
