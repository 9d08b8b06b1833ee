//! The law: lines = rows + rejects + blanks + duplicates, counted again by a reader that is not ours.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::rig::{Count, Scratch, event, event_with, gzip, lines, log, zstd};

/// Ingests each content as the only file of a lake of its own, and compares the account, the Parquet files and SQL with
/// what a plain reader counts in `text`, the same log unpacked.
#[track_caller]
fn holds(content: &[u8], text: &[u8]) {
    let scratch = Scratch::new();
    scratch.write("audit.log", content);
    let account = scratch.account("audit.log");
    let expected = Count::of(text, &mut HashSet::new());
    assert_eq!(Count::of_account(&account), expected, "{account:?}");
    assert_eq!(account.content_bytes, text.len() as u64);
    assert_eq!(scratch.cells(&["line"]).len() as u64, expected.rows);
    assert_eq!(scratch.number("select count(*) from events"), expected.rows);
    assert_eq!(scratch.quarantine().len() as u64, expected.rejects);
}

/// Events, a blank line, a line that is no event, a line twice.
fn mixed() -> Vec<u8> {
    let twice = lines(7..8);
    [&lines(0..50), "\n  \n", "not json\n", &twice, &twice, "{\"kind\":\"Pod\"}\n", &lines(60..90)]
        .concat()
        .into_bytes()
}

#[test]
fn a_plain_log_keeps_the_law() {
    holds(&mixed(), &mixed());
}

#[test]
fn a_generated_log_keeps_the_law() {
    let text = log(3_000, &kubesift::generate::Attack::ALL);
    holds(&gzip(&text), &text);
}

#[test]
fn a_packed_log_keeps_the_law_in_every_packing() {
    let text = mixed();
    let (head, tail) = text.split_at(4_321); // within a line
    holds(&gzip(&text), &text);
    holds(&[gzip(head), gzip(b""), gzip(tail)].concat(), &text);
    holds(&[gzip(head), gzip(tail), vec![0; 700]].concat(), &text);
    holds(&zstd(&text), &text);
    holds(&[zstd(head), zstd(tail)].concat(), &text);
}

#[test]
fn line_ends_and_marks_keep_the_law() {
    let text = String::from_utf8(mixed()).unwrap();
    let crlf = text.replace('\n', "\r\n");
    holds(crlf.as_bytes(), crlf.as_bytes());
    let marked = format!("\u{feff}{text}");
    holds(marked.as_bytes(), marked.as_bytes());
    holds(text.trim_end().as_bytes(), text.trim_end().as_bytes());
    let blank_end = format!("{text}\n\n \t\n");
    holds(blank_end.as_bytes(), blank_end.as_bytes());
}

#[test]
fn an_empty_file_is_no_fault() {
    holds(b"", b"");
    holds(&gzip(b""), b"");
    let scratch = Scratch::new();
    scratch.write("audit.log", "");
    scratch.run("ingest audit.log --lake lake").ends(0);
}

#[test]
fn every_item_of_a_list_is_a_line() {
    let items: Vec<Value> = (0..25).map(event).collect();
    let list = json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": items});
    let pretty = serde_json::to_string_pretty(&list).unwrap();
    let array = serde_json::to_string_pretty(&items).unwrap();
    let two_a_line =
        format!("{list}\n{}\n", json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": []}));
    for (name, text) in [
        ("on one line", list.to_string()),
        ("pretty", pretty),
        ("an array", array),
        ("two lists, one of them empty", two_a_line),
    ] {
        let scratch = Scratch::new();
        scratch.write("audit.log", text);
        let account = scratch.account("audit.log");
        assert_eq!((account.rows, account.rejected(), account.duplicates), (25, 0, 0), "{name}: {account:?}");
        let mut ids: Vec<_> = scratch.cells(&["audit_id"]).concat();
        ids.sort_by_key(|id| id.trim_start_matches("event-").parse::<u32>().unwrap());
        assert_eq!(ids, (0..25).map(|n| format!("event-{n}")).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn folders_and_globs_give_every_file_once() {
    let scratch = Scratch::new();
    scratch.write("logs/a.log", lines(0..10));
    scratch.write("logs/deep/b.log.gz", gzip(lines(10..30).as_bytes()));
    scratch.write("logs/deep/c.log.zst", zstd(lines(30..60).as_bytes()));
    scratch.write("logs/.hidden", "nothing to see");
    scratch.write("more-1.log", lines(60..65));
    scratch.write("more-2.log", lines(65..70));
    scratch.run("ingest logs more-*.log logs/a.log --lake lake").ends(0);
    assert_eq!(scratch.number("select count(*) from events"), 70);
    assert_eq!(scratch.number("select count(distinct source) from events"), 5);
}

#[test]
fn standard_input_is_a_source() {
    let scratch = Scratch::new();
    let text = mixed();
    let ran = scratch.pipe("ingest - --lake lake", &gzip(&text)).ends(3);
    assert!(ran.out.is_empty(), "{ran:?}");
    let expected = Count::of(&text, &mut HashSet::new());
    assert_eq!(scratch.number("select count(*) from events where source = '-'"), expected.rows);
}

#[test]
fn an_event_is_known_in_whatever_file_it_comes_again() {
    let scratch = Scratch::new();
    let (first, second) = (lines(0..30), lines(20..50));
    scratch.write("node-1.log", &first);
    scratch.write("node-2.log", &second);
    let ingested = scratch.ingest(&["node-1.log", "node-2.log"]);
    let totals = ingested
        .accounts
        .iter()
        .map(Count::of_account)
        .fold((0, 0, 0), |sum, count| (sum.0 + count.lines, sum.1 + count.rows, sum.2 + count.duplicates));
    assert_eq!(totals, (60, 50, 10));
    assert_eq!(scratch.number("select count(*) from events"), 50);

    // and in a later night
    scratch.write("node-3.log", lines(45..55));
    let account = scratch.account("node-3.log");
    assert_eq!((account.rows, account.duplicates), (5, 5), "{account:?}");
}

#[test]
fn an_audit_id_that_comes_again_hides_nothing() {
    let scratch = Scratch::new();
    let other = event_with(1, &json!({"verb": "delete"}));
    let stage = event_with(1, &json!({"stage": "RequestReceived"}));
    scratch.write("audit.log", format!("{}\n{other}\n{stage}\n", event(1)));
    assert_eq!(scratch.account("audit.log").rows, 3);
    assert_eq!(scratch.number("select count(*) from events where audit_id = 'event-1'"), 3);
}

#[test]
fn one_lake_holds_many_clusters() {
    let scratch = Scratch::new();
    scratch.write("east.log", lines(0..10));
    scratch.write("west.log", lines(10..30));
    scratch.run("ingest east.log --lake lake --cluster east").ends(0);
    scratch.run("ingest west.log --lake lake --cluster west").ends(0);
    assert_eq!(scratch.number("select count(*) from events where cluster = 'east'"), 10);
    assert_eq!(scratch.number("select count(*) from events where cluster = 'west'"), 20);
    for wrong in ["../up", "", "Prod", "a/b", ".."] {
        let ran: crate::rig::Ran =
            scratch.command(["ingest", "east.log", "--lake", "lake", "--cluster", wrong]).output().unwrap().into();
        ran.ends(2);
    }
}
