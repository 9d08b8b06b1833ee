//! Archives that were made to harm.

use proptest::prelude::*;

use super::*;

#[test]
fn hostile_names_are_only_names() {
    let scratch = Scratch::new();
    let log = log(0..1);
    let mut builder = Builder::new(Vec::new());
    for name in [&b"/etc/passwd"[..], b"../../up.log", b"a\x1b]0;x\x07.log", b"\xff.log", b"same.log", b"same.log"] {
        builder.append(&header(name, EntryType::Regular, log.len()), &log[..]).unwrap();
    }
    let found = scratch.listed("a.tar", &builder.into_inner().unwrap());
    let expected =
        ["etc/passwd", "__/__/up.log", "a\u{fffd}]0;x\u{fffd}.log", "\u{fffd}.log", "same.log", "same.log#2"];
    assert_eq!(names(&found), expected.map(|name| format!("a.tar!/{name}")));
    for source in &found.sources {
        assert_eq!(content(source).unwrap().0, log);
    }
    let left: Vec<_> = fs::read_dir(scratch.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["a.tar"]);
}

#[test]
fn a_size_beyond_all_bounds_is_a_cut_or_damage() {
    let scratch = Scratch::new();
    for size in [1 << 40, u64::MAX - 600, u64::MAX] {
        let mut hostile = header(b"a.log", EntryType::Regular, 0);
        hostile.set_size(size);
        hostile.set_cksum();
        let archive = [&hostile.as_bytes()[..], &log(0..20)].concat();
        for archive in [archive.clone(), gz(&archive)] {
            let found = scratch.listed("a.tar", &archive);
            let readings: Vec<_> = found.sources.iter().map(content).collect();
            let is_told = |reading: &Result<(Vec<u8>, Ending), String>| match reading {
                Ok((content, ending)) => *content == log(0..20) && matches!(ending, Ending::Truncated(_)),
                Err(reason) => reason.contains("damaged"),
            };
            assert!(!readings.is_empty() && readings.iter().all(is_told), "{size}: {readings:?}");
        }
    }
}

#[test]
fn a_long_header_takes_no_memory() {
    let scratch = Scratch::new();
    let long = vec![b'n'; 3 << 20];
    let mut builder = Builder::new(Vec::new());
    builder.append(&header(b"././@LongLink", EntryType::GNULongName, long.len()), &long[..]).unwrap();
    builder.append(&header(b"a.log", EntryType::Regular, log(0..1).len()), &log(0..1)[..]).unwrap();
    let found = scratch.listed("a.tar", &builder.into_inner().unwrap());
    assert_eq!(found.sources.len(), 1);
    assert_eq!(found.sources[0].name.len(), "a.tar!/".len() + limits::MEMBER_NAME_BYTES_MAX);

    let mut builder = Builder::new(Vec::new());
    builder.append(&header(b"pax", EntryType::XHeader, long.len()), &long[..]).unwrap();
    let found = scratch.listed("a.tar", &builder.into_inner().unwrap());
    assert!(content(&found.sources[0]).unwrap_err().contains("a header is too long"));
}

#[test]
fn an_archive_that_expands_as_a_bomb_does_is_refused_whole() {
    let scratch = Scratch::new();
    let mut builder = Builder::new(zstd::stream::Encoder::new(Vec::new(), 1).unwrap());
    builder.append(&header(b"a.log", EntryType::Regular, log(0..1).len()), &log(0..1)[..]).unwrap();
    let zeros = limits::RATIO_FREE_BYTES + (64 << 20);
    let mut bomb = header(b"b.log", EntryType::Regular, 0);
    bomb.set_size(zeros);
    bomb.set_cksum();
    builder.append(&bomb, io::repeat(0).take(zeros)).unwrap();
    let archive = builder.into_inner().unwrap().finish().unwrap();
    let found = scratch.listed("a.tar.zst", &archive);
    assert_eq!(names(&found), ["a.tar.zst"]);
    assert!(content(&found.sources[0]).unwrap_err().contains("expands more than 400 to 1"));
}

/// An archive of either kind, in or out of a packing.
fn archives() -> impl Strategy<Value = Vec<u8>> {
    let plain = tar(&[("a.log", &log(0..5)), (&"long/".repeat(30), &log(0..5)), ("b.gz", &gz(&log(0..9)))]);
    let empty_zip = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let mut zip = rawzip::ZipArchiveWriter::new(Vec::new());
    for name in ["a.log", "b.log"] {
        let (mut entry, config) = zip.new_file(name).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        io::Write::write_all(&mut writer, &log(0..5)).unwrap();
        let (_, output) = writer.finish().unwrap();
        entry.finish(output).unwrap();
    }
    prop::sample::select(vec![gz(&plain), plain, empty_zip, zip.finish().unwrap()])
}

proptest! {
    #[test]
    fn any_archive_is_read_or_refused(
        archive in archives(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut archive = archive;
        for (at, byte) in edits {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        if is_cut {
            archive.truncate(cut.index(archive.len()));
        }
        let scratch = Scratch::new();
        scratch.write("archive", &archive);
        if let Ok(found) = find(&[scratch.folder.path().to_path_buf()]) {
            for source in &found.sources {
                let _ = head(source, 100);
                let _ = content(source);
            }
        }
    }
}
