//! Files that are no logs: refused with a hint, whatever they are called, beside logs that are read.

use std::os::unix::fs::symlink;

use kubesift::account::Outcome;

use crate::rig::{Scratch, event, gzip, lines, zstd};

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Bytes without meaning, the same every time.
fn noise(length: usize) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noise");
    let mut bytes = vec![0; length];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn what_is_no_log_is_refused_with_a_hint() {
    let mut tar = vec![0; 1_024];
    tar[..9].copy_from_slice(b"audit.log");
    tar[257..262].copy_from_slice(b"ustar");
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("utf16.log", utf16(&lines(0..5)), "iconv -f UTF-16"),
        ("program.log", [b"\x7fELF".to_vec(), noise(5_000)].concat(), "ELF"),
        ("archive.log", [b"PK\x03\x04".to_vec(), noise(5_000)].concat(), "zip -FF"),
        ("tar.log.gz", gzip(&tar), "a header is damaged"),
        ("table.log", [b"PAR1".to_vec(), noise(5_000)].concat(), "Parquet"),
        ("packed.xz", [b"\xfd7zXZ\0".to_vec(), noise(5_000)].concat(), "the xz data is damaged"),
        ("packed.7z", [b"7z\xbc\xaf\x27\x1c".to_vec(), noise(5_000)].concat(), "7z archive; unpack"),
        ("often.log.gz", gzip(&gzip(&zstd(&gzip(lines(0..5).as_bytes())))), "more than 3 times"),
        ("noise.log", noise(50_000), "no audit events"),
        ("noise.log.gz", [gzip(lines(0..5).as_bytes())[..10].to_vec(), noise(5_000)].concat(), "gzip"),
        ("zeros.log.gz", gzip(&vec![0; 8 << 20]), "ctrl_bytes"),
        ("zeros.log.zst", zstd(&vec![0; 8 << 20]), "ctrl_bytes"),
        ("prose.log", "Dear diary,\n".repeat(50).into_bytes(), "bad_json"),
        ("other.json", b"{\"name\": \"package\", \"version\": \"1.0.0\"}\n".to_vec(), "not_audit_event"),
        (
            "pods.json",
            b"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[{\"kind\":\"Pod\"}]}".to_vec(),
            "not_audit_event",
        ),
    ];
    let scratch = Scratch::new();
    scratch.write("good.log", lines(100..120));
    for (name, bytes, _) in cases {
        scratch.write(name, bytes);
    }
    let names: Vec<&str> = cases.iter().map(|(name, ..)| *name).chain(["good.log"]).collect();
    let ingested = scratch.ingest(&names);
    for (name, _, hint) in cases {
        let account = ingested.accounts.iter().find(|account| account.source.ends_with(name)).unwrap();
        assert_eq!((account.outcome, account.rows), (Outcome::Refused, 0), "{name}: {account:?}");
        assert!(account.notes.concat().contains(hint), "{name}: {:?}", account.notes);
    }
    assert_eq!(scratch.cells(&["source"]).len(), 20);
}

#[test]
fn the_members_of_an_archive_are_sources_and_those_without_events_are_passed_over() {
    let scratch = Scratch::new();
    let mut archive = tar::Builder::new(Vec::new());
    let members: &[(&str, Vec<u8>)] = &[
        ("audit/a.log", lines(0..10).into_bytes()),
        ("audit/b.log.gz", gzip(&gzip(lines(10..20).as_bytes()))),
        ("status.json", b"{\"name\": \"status\", \"healthy\": true}\n".to_vec()),
        ("pod.yaml", b"---\napiVersion: v1\nkind: Pod\n".to_vec()),
    ];
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    scratch.write("must-gather.tar.gz", gzip(&archive.into_inner().unwrap()));
    let ingested = scratch.ingest(&["must-gather.tar.gz"]);
    let outcomes: Vec<_> = ingested.accounts.iter().map(|account| (account.outcome, account.rows)).collect();
    assert_eq!(outcomes, [(Outcome::Ingested, 10), (Outcome::Ingested, 10), (Outcome::Skipped, 0)]);
    assert!(ingested.accounts[1].source.ends_with("must-gather.tar.gz!/audit/b.log.gz"));
    assert!(ingested.accounts[2].notes.concat().contains("no audit events"));
    assert_eq!(scratch.cells(&["source"]).len(), 20);
    let again = scratch.ingest(&["must-gather.tar.gz"]);
    assert!(again.accounts[..2].iter().all(|account| account.outcome == Outcome::Known), "{:?}", again.accounts);
}

#[test]
fn what_a_file_is_called_does_not_matter() {
    let scratch = Scratch::new();
    scratch.write("plain.log.gz", lines(0..10));
    scratch.write("packed.log", gzip(lines(10..20).as_bytes()));
    scratch.write("other.gz", zstd(lines(20..30).as_bytes()));
    let ingested = scratch.ingest(&["plain.log.gz", "packed.log", "other.gz"]);
    assert!(ingested.accounts.iter().all(|account| account.rows == 10), "{:?}", ingested.accounts);
}

#[test]
fn links_and_pipes_in_a_folder_are_told_and_not_opened() {
    let scratch = Scratch::new();
    scratch.write("logs/a.log", lines(0..10));
    scratch.write("else.log", lines(10..20));
    symlink(scratch.path("else.log"), scratch.path("logs/link.log")).unwrap();
    symlink("/dev/zero", scratch.path("logs/zero.log")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scratch.path("logs/socket")).unwrap();
    let ran = scratch.run("ingest logs --lake lake").ends(3);
    for name in ["link.log", "zero.log", "socket"] {
        assert!(ran.err.contains(name), "{name}: {ran:?}");
    }
    assert_eq!(scratch.number("select count(*) from events"), 10);
}

#[test]
fn a_name_that_climbs_stays_data() {
    let scratch = Scratch::new();
    let hostile = crate::rig::event_with(
        1,
        &serde_json::json!({"auditID": "../../x", "objectRef": {"resource": "../../y", "namespace": "/z", "name": ".."}}),
    );
    scratch.write("audit.log", format!("{hostile}\n{}\n", event(2)));
    scratch.run("ingest audit.log --lake lake").ends(0);
    let inside = crate::rig::files_below(&scratch.path(""));
    assert!(inside.iter().all(|file| !file.ends_with("x") && !file.ends_with("y")), "{inside:?}");
    assert!(inside.iter().all(|file| file.starts_with(scratch.path("lake")) || file.ends_with("audit.log")));
}
