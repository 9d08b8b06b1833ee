//! What a tar may be made of: headers of all ages, links, holes, and an end that is missing.

use super::*;

#[test]
fn names_that_are_too_long_for_a_header_are_whole() {
    let scratch = Scratch::new();
    let name = format!("{}/audit.log", "folder/".repeat(40).trim_end_matches('/'));
    let gnu = tar(&[(&name, &log(0..1))]);
    let mut pax = Builder::new(Vec::new());
    pax.append_pax_extensions([("path", name.as_bytes()), ("mtime", &b"1.5"[..])]).unwrap();
    pax.append(&header(b"short", EntryType::Regular, 0), &b""[..]).unwrap();
    pax.append(&header(b"next.log", EntryType::Regular, log(0..1).len()), &log(0..1)[..]).unwrap();
    let found = scratch.listed("a.tar", &gnu);
    assert_eq!(names(&found), [format!("a.tar!/{name}")]);
    let found = scratch.listed("a.tar", &pax.into_inner().unwrap());
    assert_eq!(names(&found), ["a.tar!/next.log"]);
    assert_eq!(skipped(&found), [(format!("a.tar!/{name}"), "is empty")]);
}

#[test]
fn the_size_in_a_pax_header_counts() {
    let scratch = Scratch::new();
    let log = log(0..20);
    let mut pax = Builder::new(Vec::new());
    pax.append_pax_extensions([("size", log.len().to_string().as_bytes())]).unwrap();
    let mut archive = pax.into_inner().unwrap();
    archive.truncate(archive.len() - 1024);
    archive.extend_from_slice(header(b"a.log", EntryType::Regular, 0).as_bytes());
    archive.extend_from_slice(&log);
    archive.resize(archive.len().next_multiple_of(512), 0);
    archive.extend_from_slice(&tar(&[("b.log", &log)]));
    let found = scratch.listed("a.tar", &archive);
    assert_eq!(names(&found), ["a.tar!/a.log", "a.tar!/b.log"]);
    assert_eq!(content(&found.sources[0]).unwrap().0, log);
}

#[test]
fn a_header_of_the_seventh_edition_is_read() {
    let scratch = Scratch::new();
    let log = log(0..2);
    let mut old = Header::new_old();
    old.set_path("a.log").unwrap();
    old.set_size(log.len() as u64);
    old.set_cksum();
    let mut builder = Builder::new(Vec::new());
    builder.append(&old, &log[..]).unwrap();
    let found = scratch.listed("a.tar", &builder.into_inner().unwrap());
    assert_eq!(names(&found), ["a.tar!/a.log"]);
}

#[test]
fn links_and_devices_are_skipped_and_folders_not_worth_a_word() {
    let scratch = Scratch::new();
    let mut builder = Builder::new(Vec::new());
    builder.append(&header(b"folder/", EntryType::Directory, 0), &b""[..]).unwrap();
    builder.append(&header(b"global", EntryType::XGlobalHeader, 12), &b"12 path=abc\n"[..]).unwrap();
    builder.append(&header(b"a.log", EntryType::Regular, log(0..1).len()), &log(0..1)[..]).unwrap();
    builder.append_link(&mut header(b"", EntryType::Symlink, 0), "link", "/etc/passwd").unwrap();
    builder.append_link(&mut header(b"", EntryType::Link, 0), "hard", "a.log").unwrap();
    builder.append(&header(b"null", EntryType::Char, 0), &b""[..]).unwrap();
    builder.append(&header(b"odd", EntryType::new(b'Z'), 0), &b""[..]).unwrap();
    let found = scratch.listed("a.tar", &builder.into_inner().unwrap());
    assert_eq!(names(&found), ["a.tar!/a.log"]);
    let expected = [
        ("a.tar!/link", "is a link"),
        ("a.tar!/hard", "is a link"),
        ("a.tar!/null", "is a device or a FIFO"),
        ("a.tar!/odd", "is of a kind that is not read"),
    ];
    assert_eq!(skipped(&found), expected.map(|(name, reason)| (name.to_owned(), reason)));
}

#[test]
fn a_sparse_member_is_skipped_and_the_next_one_found() {
    let scratch = Scratch::new();
    let data = vec![b'x'; 512];
    let mut sparse = header(b"holes.log", EntryType::GNUSparse, data.len());
    sparse.as_gnu_mut().unwrap().set_is_extended(true);
    sparse.set_cksum();
    let mut more = [0; 512];
    more[504] = 1;
    let mut archive = [&sparse.as_bytes()[..], &more, &[0; 512], &data].concat();
    let mut pax = Builder::new(Vec::new());
    pax.append_pax_extensions([("GNU.sparse.major", &b"1"[..]), ("GNU.sparse.name", b"more.log")]).unwrap();
    pax.append(&header(b"GNUSparseFile.0/more.log", EntryType::Regular, data.len()), &data[..]).unwrap();
    pax.append(&header(b"a.log", EntryType::Regular, log(0..1).len()), &log(0..1)[..]).unwrap();
    archive.extend(pax.into_inner().unwrap());
    let found = scratch.listed("a.tar", &archive);
    assert_eq!(names(&found), ["a.tar!/a.log"]);
    assert_eq!(content(&found.sources[0]).unwrap().0, log(0..1));
    assert_eq!(
        skipped(&found).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["a.tar!/holes.log", "a.tar!/more.log"]
    );
    assert!(found.skipped.iter().all(|(_, reason)| reason.contains("holes")));
}

#[test]
fn archives_behind_each_other_are_one() {
    let scratch = Scratch::new();
    let archive = [tar(&[("a.log", &log(0..1))]), vec![0; 10_240], tar(&[("b.log", &log(1..2))])].concat();
    for archive in [archive.clone(), gz(&archive)] {
        let found = scratch.listed("a.tar", &archive);
        assert_eq!(names(&found), ["a.tar!/a.log", "a.tar!/b.log"]);
        assert!(found.skipped.is_empty());
    }
}

#[test]
fn a_tar_cut_anywhere_gives_its_whole_members_and_says_so() {
    let scratch = Scratch::new();
    let logs = [log(0..40), log(40..80), log(80..120)];
    let archive = tar(&[("0.log", &logs[0]), ("1.log", &logs[1]), ("2.log", &logs[2])]);
    let end_mark = archive.len() - 1_024;
    for cut in (600..archive.len()).step_by(97) {
        let found = scratch.listed("a.tar", &archive[..cut]);
        let told = found.skipped.iter().any(|(_, reason)| reason.contains("is cut off after"));
        // one block of zeros is enough of an end
        assert_eq!(told, cut < end_mark + 512, "cut at {cut}");
        for (source, log) in found.sources.iter().zip(&logs) {
            let (content, ending) = content(source).unwrap();
            assert!(log.starts_with(&content), "cut at {cut}");
            let is_whole = content.len() == log.len();
            assert_eq!(ending == Ending::Whole, is_whole, "cut at {cut}: {ending:?}");
            assert!(is_whole || source.name == found.sources.last().unwrap().name);
        }
    }
}

#[test]
fn a_packed_tar_cut_anywhere_gives_what_is_there_and_says_so() {
    let scratch = Scratch::new();
    let logs = [log(0..400), log(400..800)];
    let archive = gz(&tar(&[("0.log", &logs[0]), ("1.log", &logs[1])]));
    for cut in (700..archive.len()).step_by(97) {
        let found = scratch.listed("a.tgz", &archive[..cut]);
        assert!(found.skipped.iter().any(|(_, reason)| reason.contains("cut off")), "cut at {cut}");
        for (source, log) in found.sources.iter().zip(&logs) {
            let (content, ending) = content(source).unwrap();
            assert!(log.starts_with(&content), "cut at {cut}");
            assert_eq!(ending == Ending::Whole, content.len() == log.len(), "cut at {cut}: {ending:?}");
        }
    }
}

#[test]
fn a_damaged_header_ends_the_archive_and_is_told_as_a_refusal() {
    let scratch = Scratch::new();
    let first = log(0..10);
    let mut archive = tar(&[("a.log", &first), ("b.log", &log(10..20))]);
    let second = 512 + first.len().next_multiple_of(512);
    archive[second] ^= 1;
    for archive in [archive.clone(), gz(&archive)] {
        let found = scratch.listed("a.tar", &archive);
        assert_eq!(names(&found), ["a.tar!/a.log", "a.tar"]);
        assert_eq!(content(&found.sources[0]).unwrap(), (first.clone(), Ending::Whole));
        let reason = content(&found.sources[1]).unwrap_err();
        assert!(reason.contains(&format!("a header is damaged at byte {second}")), "{reason}");
    }
}

#[test]
fn garbage_behind_the_end_is_told() {
    let scratch = Scratch::new();
    let archive = [tar(&[("a.log", &log(0..1))]), vec![b'x'; 2_000]].concat();
    let found = scratch.listed("a.tar", &archive);
    assert_eq!(names(&found), ["a.tar!/a.log"]);
    assert_eq!(skipped(&found), [("a.tar".to_owned(), "what lies behind its end is no member and was ignored")]);
}
