//! Logs as they lie in archives, through the program: wrapped, in pieces, in documents of any length, mixed.

mod wrapped;

use serde_json::{Value, json};

use crate::rig::{Scratch, event, gzip, lines, options};

const STREAM: &str = "kube-apiserver-audit-0f";

/// A record of a CloudWatch Logs subscription with some plain events.
fn subscription(numbers: std::ops::Range<usize>) -> String {
    let events: Vec<Value> = numbers
        .map(|number| json!({"id": number.to_string(), "timestamp": 1, "message": event(number).to_string()}))
        .collect();
    json!({"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/aws/eks/blue/cluster",
        "logStream": STREAM, "subscriptionFilters": ["all"], "logEvents": events})
    .to_string()
}

/// What a container runtime makes of a line.
fn cri(line: &str) -> String {
    let pieces: Vec<&str> = (0..line.len()).step_by(100).map(|at| &line[at..line.len().min(at + 100)]).collect();
    let last = pieces.len() - 1;
    let of = |(at, piece): (usize, &&str)| {
        format!("2026-01-15T10:00:00.000000001Z stdout {} {piece}\n", if at == last { "F" } else { "P" })
    };
    pieces.iter().enumerate().map(of).collect()
}

#[test]
fn the_same_events_through_several_envelopes_are_rows_once() {
    let scratch = Scratch::new();
    scratch.write("native.log", lines(0..20));
    // as Firehose writes it: gzip members, no line breaks
    let firehose = [gzip(subscription(0..7).as_bytes()), gzip(subscription(7..20).as_bytes())].concat();
    scratch.write("firehose.gz", firehose);
    scratch.write("container.log", (0..20).map(|number| cri(&event(number).to_string())).collect::<String>());
    scratch.write(
        "export.txt",
        lines(0..20).lines().map(|line| format!("2026-01-15T10:00:00.123Z {line}\n")).collect::<String>(),
    );
    let ingested = scratch.ingest(&["native.log", "firehose.gz", "container.log", "export.txt"]);
    let counts: Vec<(u64, u64, u64)> = ingested
        .accounts
        .iter()
        .map(|account| (account.rows + account.duplicates, account.rejected(), account.not_audit))
        .collect();
    assert_eq!(counts, [(20, 0, 0); 4], "{:?}", ingested.accounts);
    assert_eq!(scratch.rows().iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 20);
}

#[test]
fn pieces_of_a_line_are_blank_lines_and_it_keeps_its_number() {
    let scratch = Scratch::new();
    let text = cri(&event(1).to_string()) + &cri(&event(2).to_string());
    let number = text.lines().count() as u64;
    scratch.write("container.log", text);
    let account = scratch.account("container.log");
    assert_eq!((account.lines, account.rows, account.blanks), (number, 2, number - 2), "{account:?}");
    let found = scratch.cells(&["line", "envelope"]);
    assert_eq!(found[1], [number.to_string(), "cri".to_owned()]);
}

#[test]
fn documents_longer_than_any_line_are_read_item_by_item() {
    let scratch = Scratch::new();
    let filler = "x".repeat(40_000);
    let message = |number: usize| {
        let mut event = event(number);
        event["requestObject"] = json!({"a": filler});
        event.to_string()
    };
    let all = 0..500;
    let filtered: Vec<Value> =
        all.clone().map(|n| json!({"logStreamName": STREAM, "timestamp": 1, "message": message(n)})).collect();
    let entries: Vec<Value> = all.clone().map(|n| json!(["1768471200004000000", message(n)])).collect();
    let records: Vec<Value> =
        all.clone().map(|n| json!({"category": "kube-audit", "properties": {"log": message(n)}})).collect();
    let rows: Vec<Value> = all.clone().map(|n| json!([{"field": "@message", "value": message(n)}])).collect();
    let hits: Vec<Value> =
        all.map(|n| json!({"_id": n.to_string(), "_source": {"message": message(n), "agent": {}}})).collect();
    let documents = [
        ("filter.json", json!({"events": filtered, "searchedLogStreams": []})),
        (
            "loki.json",
            json!({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {}, "values": entries}]}}),
        ),
        ("records.json", json!({"records": records})),
        ("insights.json", json!({"results": rows, "status": "Complete"})),
        ("hits.json", json!({"took": 1, "hits": {"total": {"value": 500}, "hits": hits}})),
    ];
    for (name, document) in documents {
        let text = document.to_string();
        assert!(text.len() > kubesift::limits::LINE_BYTES_MAX);
        scratch.write(name, text);
        let account = scratch.account(name);
        assert_eq!((account.rows + account.duplicates, account.rejected()), (500, 0), "{name}: {account:?}");
    }
}

#[test]
fn a_document_over_several_lines_is_told_too() {
    let scratch = Scratch::new();
    let record = json!({"category": "kube-audit", "properties": {"log": event(1).to_string()}});
    scratch.write("record.json", format!("\u{feff}{record:#}"));
    scratch.write(
        "records.json",
        format!("{:#}", json!({"records": [record, {"category": "guard", "properties": {"log": "x"}}]})),
    );
    let ingested = scratch.ingest(&["record.json", "records.json"]);
    let counts: Vec<(u64, u64)> = ingested.accounts.iter().map(|account| (account.lines, account.not_audit)).collect();
    assert_eq!(counts, [(1, 0), (2, 1)], "{:?}", ingested.accounts);
}

#[test]
fn other_logs_beside_audit_logs_are_no_fault_and_alone_they_are_refused() {
    let scratch = Scratch::new();
    scratch.write("logs/other.log", "I0115 10:00:00.000000       1 a.go:1] x\n".repeat(50));
    let ran = scratch.run("ingest --lake lake logs").ends(4);
    assert!(ran.err.contains("no audit events among 50 lines"), "{ran:?}");
    scratch.write("logs/audit.log", lines(0..3));
    scratch.run("ingest --lake lake logs").ends(0);
    assert_eq!(scratch.number("select count(*) from events"), 3);
}

#[test]
fn an_envelope_that_is_named_keeps_others_out() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..3));
    scratch.run("ingest --lake lake --envelope eks-subscription a.log").ends(4);
    scratch.write("b.json", subscription(0..3));
    scratch.run("ingest --lake lake --envelope eks-subscription b.json").ends(0);
    assert_eq!(
        scratch.number("select count(*) from events where cluster = 'blue' and envelope = 'eks-subscription'"),
        3
    );
    let ran = scratch.run("ingest --lake lake --envelope eks b.json").ends(2);
    assert!(ran.err.contains("eks-subscription"), "{ran:?}");
}

#[test]
fn a_cluster_that_is_named_is_not_overruled_by_the_envelope() {
    let scratch = Scratch::new();
    scratch.write("b.json", subscription(0..3));
    scratch.run("ingest --lake lake --cluster green b.json").ends(0);
    assert_eq!(scratch.number("select count(*) from events where cluster = 'green'"), 3);
}

#[test]
fn a_probe_tells_what_a_file_is_without_its_secrets() {
    let scratch = Scratch::new();
    let mut secret = event(1);
    secret["userAgent"] = json!("a\u{1b}[2Jb");
    secret["requestObject"] = json!({"kind": "Secret", "data": {"password": "aHVudGVyMg=="}});
    let text = subscription(0..1).replacen(
        "\"logEvents\":[",
        &format!("\"logEvents\":[{},", json!({"message": secret.to_string()})),
        1,
    );
    scratch.write("b.json", text);
    scratch.write("c.log", "what is this\n");
    let out = scratch.run("probe b.json c.log").done();
    for expected in ["2 in eks-subscription", "cluster: blue", "alice@example.com", "1 rejected as bad_json"] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    assert!(!out.contains("aHVudGVyMg") && !out.contains('\u{1b}'), "{out}");
    let told: Value = serde_json::from_str(&scratch.run("probe --format json b.json").done()).unwrap();
    assert_eq!(told[0]["envelopes"]["eks-subscription"], 2);
    assert_eq!(told[0]["first_event"]["username"], "alice@example.com");
    scratch.run("probe c.log").ends(4);
    let one = scratch.write("many.log", lines(0..50));
    let told = scratch.command(["probe", "--lines", "10", "--format", "json"]).arg(one).output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((told[0]["lines"].as_u64(), told[0]["more"].as_bool()), (Some(10), Some(true)));
}

#[test]
fn a_grown_container_log_gives_what_is_new() {
    let scratch = Scratch::new();
    let log =
        |numbers: std::ops::Range<usize>| numbers.map(|number| cri(&event(number).to_string())).collect::<String>();
    scratch.write("container.log", log(0..10));
    scratch.ingest_with(&["container.log"], &options());
    scratch.write("container.log", log(0..25));
    let account = scratch.account("container.log");
    assert_eq!((account.rows, account.duplicates, account.rejected()), (15, 10, 0), "{account:?}");
}
