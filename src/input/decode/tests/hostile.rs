//! Bytes that were made to harm: bombs, flipped bits, and anything at all.

use proptest::prelude::*;

use super::*;

/// Why a file that may give `free` bytes for nothing is refused.
fn refusal_beyond(packed: &[u8], free: u64) -> String {
    let read = Arc::new(AtomicU64::new(packed.len() as u64));
    let allowance = Some(Allowance::of_file(read).with_free(free));
    match Decoder::new(Feed { allowance, ..feed(Trickle(packed.to_vec(), 0), None) }) {
        Err(reason) => reason,
        Ok(mut decoder) => io::copy(&mut decoder, &mut io::sink()).unwrap_err().to_string(),
    }
}

#[test]
fn a_bomb_is_stopped() {
    let much = vec![b'x'; 8 << 20];
    for pack in [gz, zst, bz2, xz, lzma, zlib] {
        let reason = refusal_beyond(&pack(&much), 1 << 20);
        assert!(reason.contains("expands more than 400 to 1"), "{reason}");
    }
}

#[test]
fn the_members_of_an_archive_share_what_is_free() {
    let archive = Allowance::of_archive(1_000).with_free(1_000_000);
    let (first, second) = (archive.share(), archive.share());
    assert!(first.covers(600_000));
    assert!(first.covers(600_000), "what is read again costs nothing");
    assert!(second.covers(400_000));
    assert!(!second.covers(400_001));
    assert!(Allowance::of_archive(10_000).with_free(1_000_000).share().covers(4_000_000));
}

#[test]
fn the_ratio_counts_over_all_packings_together() {
    // one packing alone stays below the ratio
    let once = lz4(&vec![b'x'; 64 << 20]);
    assert!((64 << 20) / once.len() < limits::RATIO_MAX.try_into().unwrap());
    for pack in [gz, zst, bz2, lz4] {
        let twice = pack(&once);
        let reason = refusal_beyond(&twice, 1 << 20);
        assert!(reason.contains("expands more than 400 to 1"), "{reason}");
    }
}

#[test]
fn padding_within_a_packing_is_a_bomb_too() {
    let padded = zst(&[gz(b"a"), vec![0; 64 << 20], gz(b"b")].concat());
    let reason = refusal_beyond(&padded, 1 << 20);
    assert!(reason.contains("expands more than 400 to 1"), "{reason}");
}

#[test]
fn a_flipped_bit_is_never_passed_over() {
    let log = log(600);
    for (index, pack) in [gz, zst, bz2, xz, lz4, snappy, zlib].into_iter().enumerate() {
        let packed = pack(&log);
        for at in (0..packed.len()).step_by(97) {
            let mut flipped = packed.clone();
            flipped[at] ^= 1 << (at % 8);
            let Ok(mut decoder) = decoder(&flipped) else { continue };
            let mut out = Vec::new();
            let is_read = decoder.read_to_end(&mut out).is_ok();
            let is_told = !is_read || decoder.ending() != Ending::Whole;
            assert!(is_told || out == log || !decoder.is_packed(), "{index}: bit flipped in byte {at}");
        }
    }
}

/// Beginnings that lead the decoder on.
fn beginnings() -> impl Strategy<Value = Vec<u8>> {
    let magics = ALL.map(|pack| pack(b"a line of a log\n")).to_vec();
    let any_cut = prop::sample::select(magics).prop_flat_map(|packed| {
        let length = packed.len();
        (Just(packed), 0..=length).prop_map(|(packed, cut)| packed[..cut].to_vec())
    });
    prop_oneof![Just(Vec::new()), any_cut]
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        beginning in beginnings(),
        rest in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let bytes = [beginning, rest].concat();
        let _ = sniff::foreign(&bytes);
        let _ = sniff::no_log(&bytes);
        if let Ok(mut decoder) = decoder(&bytes) {
            let _ = decoder.head(100);
            let _ = io::copy(&mut (&mut decoder).take(64 << 20), &mut io::sink());
            let _ = decoder.ending();
        }
    }
}
