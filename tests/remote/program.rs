//! The program over object stores: logs read from a bucket, findings written to one.

use std::process::{Command, Output};

use serde_json::Value;

use super::server::{Proxy, SECRET_KEY, Server, env_of};
use crate::rig::{Ran, Scratch, gzip, lines, log, parquet};

/// Runs the program with the variables of a server, and no others that stores heed.
pub(super) fn run(scratch: &Scratch, env: &[(String, String)], line: &str) -> Ran {
    ran(command(scratch, env, line).output().unwrap())
}

/// What was run, which told no secret.
pub(super) fn ran(output: Output) -> Ran {
    let ran = Ran::from(output);
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains(SECRET_KEY) && !text.contains("hush"), "{ran:?}");
    }
    ran
}

/// The program with the variables of a server, and no others that stores heed.
pub(super) fn command(scratch: &Scratch, env: &[(String, String)], line: &str) -> Command {
    let mut command: Command = scratch.command(line.split_whitespace());
    let heeded = |name: &str| ["AWS_", "GOOGLE_", "AZURE_", "KUBESIFT_"].iter().any(|start| name.starts_with(start));
    let inherited = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in inherited.filter(|name| heeded(name)) {
        command.env_remove(name);
    }
    command.env("HOME", scratch.path("")).env("NO_PROXY", "*").envs(env.iter().cloned());
    command
}

/// A bucket with three days of two clusters, ten events each, in several packings.
fn archive() -> Server {
    let server = Server::start();
    for (at, (key, packed)) in [
        ("audit/prod/2026-01-14/a.log.gz", true),
        ("audit/prod/2026-01-15/a.log", false),
        ("audit/prod/2026-01-15/b.log.gz", true),
        ("audit/test/2026-01-15/a.log", false),
        ("audit/prod/2026-01-16/a.log.gz", true),
    ]
    .into_iter()
    .enumerate()
    {
        let text = lines(at * 10..at * 10 + 10);
        server.put(key, if packed { gzip(text.as_bytes()) } else { text.into_bytes() });
    }
    server.put("audit/prod/2026-01-15/_tmp/half.log", "torn");
    server
}

/// The accounts of the last run into the lake, as its ledger tells them.
fn outcomes(scratch: &Scratch) -> Vec<(String, String)> {
    let ledger = scratch.lake().snapshot().unwrap().ledger().unwrap();
    let told = |outcome| serde_json::to_value(outcome).unwrap().as_str().unwrap().to_owned();
    let mut all: Vec<_> = ledger.accounts().map(|account| (account.source.clone(), told(account.outcome))).collect();
    all.sort();
    all
}

#[test]
fn a_prefix_is_ingested_once_and_then_known_by_its_state() {
    let (server, scratch) = (archive(), Scratch::new());
    run(&scratch, &server.env(), "ingest --lake lake s3://logs/audit/prod/2026-01-15/").ends(0);
    assert_eq!(scratch.number("select count(*) from requests"), 20);
    let expected =
        ["a.log", "b.log.gz"].map(|name| (format!("s3://logs/audit/prod/2026-01-15/{name}"), "ingested".to_owned()));
    assert_eq!(outcomes(&scratch), expected);
    let again = run(&scratch, &server.env(), "ingest --lake lake s3://logs/audit/prod/").ends(0);
    assert!(again.err.contains("committed as version"), "{again:?}");
    assert_eq!(scratch.number("select count(*) from requests"), 40);
    // what is known by its state is not read: its bytes may even be out of reach
    let proxy = Proxy::cutting_after(server.address, i64::MAX);
    let third = run(&scratch, &env_of(proxy.address), "ingest --lake lake s3://logs/audit/prod/").ends(0);
    assert!(third.err.contains("the lake is unchanged"), "{third:?}");
    assert_eq!(proxy.connections(), 1, "more was asked than the listing");
}

#[test]
fn a_glob_is_read_over_the_days_of_all_clusters() {
    let (server, scratch) = (archive(), Scratch::new());
    run(&scratch, &server.env(), "ingest --lake lake s3://logs/audit/*/2026-01-1[56]/*.log s3://logs/audit/prod/*/b*")
        .ends(0);
    assert_eq!(scratch.number("select count(*) from requests"), 30);
}

#[test]
fn a_large_object_gives_the_rows_of_the_file_though_the_connection_breaks() {
    let (server, scratch) = (Server::start(), Scratch::new());
    let text = log(20_000, &[]);
    scratch.write("whole.log", &text);
    server.put("whole.log", &text);
    let whole = scratch.account("whole.log");
    let proxy = Proxy::cutting_after(server.address, i64::try_from(text.len() / 2).unwrap());
    run(&scratch, &env_of(proxy.address), "ingest --lake remote s3://logs/whole.log").ends(0);
    let lake = kubesift::lake::Lake::open(scratch.path("remote")).unwrap();
    let ledger = lake.snapshot().unwrap().ledger().unwrap();
    let account = ledger.accounts().next().unwrap();
    assert_eq!((account.rows, account.content_bytes), (whole.rows, text.len() as u64));
    assert_eq!(account.content_hash, whole.content_hash);
    assert!(proxy.has_cut());
}

#[test]
fn findings_and_the_page_are_written_to_a_bucket_by_their_names() {
    let (server, scratch) = (Server::start(), Scratch::new());
    server.put("audit.log.gz", gzip(&log(3_000, &kubesift::generate::Attack::ALL)));
    let env = server.env();
    run(
        &scratch,
        &env,
        "triage s3://logs/audit.log.gz --out s3://logs/out/found.parquet --report s3://logs/out/page.html",
    )
    .ends(0);
    run(&scratch, &env, "triage s3://logs/audit.log.gz --out s3://logs/out/found.ndjson").ends(0);
    let rows = parquet(&scratch.write("found.parquet", server.get("out/found.parquet")));
    let found = String::from_utf8(server.get("out/found.ndjson")).unwrap();
    let findings: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!findings.is_empty());
    assert_eq!(rows.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), findings.len());
    assert!(String::from_utf8(server.get("out/page.html")).unwrap().contains("<html"));
    assert_eq!(server.keys(), ["audit.log.gz", "out/found.ndjson", "out/found.parquet", "out/page.html"]);
}

#[test]
fn what_cannot_be_reached_ends_the_run_before_any_work() {
    let (server, scratch) = (archive(), Scratch::new());
    let env = server.env();
    let with = |name: &str, value: &str| {
        let mut env = env.clone();
        env.retain(|(other, _)| other != name);
        env.push((name.to_owned(), value.to_owned()));
        env
    };
    for (env, line, code, words) in [
        (&env, "triage s3://nope/audit/", 2, "s3://nope: no such bucket"),
        (&env, "triage s3://logs/nope/", 2, "s3://logs/nope/: no such object"),
        (&env, "triage s3://logs/audit/*.zst", 2, "no input matched s3://logs/audit/*.zst"),
        (&env, "triage s3://key:hush@logs/audit/", 2, "credentials in a URL"),
        (&env, "triage ftp://example.com/audit.log", 2, "unknown kind of URL"),
        (&env, "triage http://example.com/audit.log?t=hush", 2, "plain HTTP"),
        (&env, "triage s3://logs/audit/ --out https://example.com/found.csv?t=hush", 2, "only read"),
        (
            &env,
            "triage s3://logs/audit/ --out s3://logs/found",
            2,
            "s3://logs/found: the name does not tell the format",
        ),
        (&with("AWS_SECRET_ACCESS_KEY", "hush-hush"), "triage s3://logs/audit/", 2, "SignatureDoesNotMatch"),
        (&with("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), "triage s3://logs/audit/", 5, "cannot be reached"),
    ] {
        let ran = run(&scratch, env, line);
        assert_eq!(ran.code, Some(code), "{line}: {ran:?}");
        assert!(ran.err.contains(words) && ran.out.is_empty(), "{line}: {ran:?}");
    }
    assert_eq!(server.keys().len(), 6);
}

#[test]
fn a_file_of_a_web_server_is_triaged_and_its_signature_not_kept() {
    let scratch = Scratch::new();
    let text: &'static [u8] = lines(0..50).into_bytes().leak();
    let server = Server::of_file(text, true);
    let line = format!("ingest --lake lake http://{}/audit.log?signature=hush", server.address);
    run(&scratch, &[], &line).ends(0);
    assert_eq!(scratch.number("select count(*) from requests"), 50);
    assert_eq!(outcomes(&scratch), [(format!("http://{}/audit.log", server.address), "ingested".to_owned())]);
    for file in crate::rig::files_below(&scratch.path("lake")) {
        assert!(memchr::memmem::find(&std::fs::read(&file).unwrap(), b"hush").is_none(), "{}", file.display());
    }
}
