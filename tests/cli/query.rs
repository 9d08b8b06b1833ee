//! `kubesift sql`: the right numbers, and nothing but reading.

use std::collections::BTreeMap;

use kubesift::generate::Attack;
use serde_json::Value;

use crate::rig::{Scratch, files_below, gzip, lines, log};

/// Every request for Secrets by verb, as a plain reader counts them: one for each request, whatever its stages.
fn secret_requests(text: &[u8]) -> BTreeMap<String, u64> {
    let mut requests = std::collections::BTreeSet::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_slice(line).unwrap();
        if event["objectRef"]["resource"] == "secrets" {
            let key = ["auditID", "requestReceivedTimestamp", "requestURI", "verb", "user", "objectRef", "userAgent"]
                .map(|field| event[field].to_string());
            requests.insert((event["verb"].as_str().unwrap().to_owned(), key));
        }
    }
    let mut count = BTreeMap::new();
    requests.into_iter().for_each(|(verb, _)| *count.entry(verb).or_default() += 1);
    count
}

#[test]
fn secret_access_counts_as_a_plain_reader_does() {
    let text = log(5_000, &Attack::ALL);
    let scratch = Scratch::new();
    scratch.write("audit.log.gz", gzip(&text));
    scratch.run("ingest audit.log.gz --lake lake").ends(0);
    let rows = scratch.sql("select verb, count(*) from secret_access group by verb").done();
    let found: BTreeMap<String, u64> = rows
        .lines()
        .skip(1)
        .map(|row| row.split_once(',').unwrap())
        .map(|(verb, count)| (verb.trim_matches('"').to_owned(), count.trim_matches('"').parse().unwrap()))
        .collect();
    assert_eq!(found, secret_requests(&text));
    assert!(found["get"] > 50, "{found:?}");
}

#[test]
fn every_format_gives_the_same_rows() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..5));
    scratch.run("ingest a.log --lake lake").ends(0);
    let ask = |format: &str, more: &[&str]| {
        let query = "select audit_id, response_code from requests order by audit_id";
        let args = [&["sql", "--lake", "lake", "--format", format, query], more].concat();
        crate::rig::Ran::from(scratch.command(args).output().unwrap()).done()
    };
    let csv = ask("csv", &[]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let ids: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert_eq!(ids, ["event-0", "event-1", "event-2", "event-3", "event-4"]);
    let ndjson: Vec<Value> = ask("ndjson", &[]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ndjson.len(), 5);
    assert!(ndjson.iter().zip(&ids).all(|(row, id)| row["audit_id"] == *id && row["response_code"] == 200));
    assert!(ids.iter().all(|id| ask("table", &[]).contains(id)));
    assert_eq!(ask("parquet", &["--out", "rows.parquet"]), "");
    let rows = crate::rig::parquet(&scratch.path("rows.parquet"));
    let from_parquet: Vec<_> = rows.iter().flat_map(|batch| crate::rig::cells(batch, &["audit_id"])).collect();
    assert_eq!(from_parquet.concat(), ids);
}

#[test]
fn since_and_until_bound_what_is_seen() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..120)); // from 10:00:00, a second each
    scratch.run("ingest a.log --lake lake").ends(0);
    let count = |since: &str, until: &str| {
        let args = ["sql", "--lake", "lake", "--format", "csv", "select count(*) from requests"];
        let time = ["--since", since, "--until", until];
        crate::rig::Ran::from(scratch.command(args.iter().chain(&time)).output().unwrap()).done()
    };
    assert!(count("2026-01-15T10:00:10Z", "2026-01-15T10:00:30Z").contains("20"));
    assert!(count("2026-01-15T10:01:59Z", "2026-01-16").contains('1'));
    assert!(count("2026-01-16", "2026-01-17").contains('0'));
}

#[test]
fn a_query_can_only_read() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..5));
    scratch.write("secret.csv", "a,b\n1,2\n");
    scratch.write("secret.parquet", "PAR1");
    scratch.run("ingest a.log --lake lake").ends(0);
    let before = files_below(&scratch.path("lake"));
    let path = scratch.path("secret.csv").display().to_string();
    for query in [
        "create table t as select 1",
        "create external table t stored as csv location 'secret.csv'",
        "create view t as select 1",
        "copy (select 1) to 'out.csv'",
        "copy events to 'out.parquet'",
        "insert into events select * from events",
        "delete from events",
        "update events set verb = 'x'",
        "drop table events",
        "drop view secret_access",
        "truncate table events",
        "set datafusion.execution.batch_size = 1",
        "explain analyze copy (select 1) to 'out.csv'",
        "explain insert into events select * from events",
        "select 1; select 2",
        "select 1; drop table events",
        "select * from 'secret.csv'",
        "select * from 'secret.parquet'",
        "select * from \"secret.csv\"",
        &format!("select * from '{path}'"),
        &format!("select * from 'file://{path}'"),
        "select * from read_csv('secret.csv')",
        "prepare p as select 1",
        "",
        "not sql at all",
        "select no_such_column from events",
        "select * from no_such_table",
    ] {
        let ran = scratch.sql(query).ends(2);
        assert!(ran.out.is_empty(), "{query}: {ran:?}");
        assert!(!ran.err.is_empty(), "{query}");
    }
    assert_eq!(files_below(&scratch.path("lake")), before);
    assert!(!scratch.path("out.csv").exists() && !scratch.path("out.parquet").exists());
    assert_eq!(scratch.number("select count(*) from events"), 5);
}

#[test]
fn a_query_that_asks_for_too_much_is_stopped() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..2_000));
    scratch.run("ingest a.log --lake lake").ends(0);
    let query = "select count(*) from events a, events b, events c, events d where a.name < b.name or c.name < d.name";
    let args = ["sql", "--lake", "lake", "--timeout", "1", query];
    let ran = crate::rig::Ran::from(scratch.command(args).output().unwrap()).ends(5);
    assert!(ran.err.contains("timeout") || ran.err.contains("second"), "{ran:?}");
}
