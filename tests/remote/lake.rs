//! The program over a lake in a bucket: the same answers as over one in a folder, and runs at once.

use std::process::Stdio;

use kubesift::generate::Attack;
use kubesift::lake::Lake;

use super::program::{command, ran, run};
use super::server::Server;
use crate::rig::{Scratch, lines, log};

const LAKE: &str = "s3://logs/lakes/prod";

fn number(scratch: &Scratch, server: &Server, sql: &str) -> u64 {
    let mut command = command(scratch, &server.env(), &format!("sql --format csv --lake {LAKE}"));
    let ran = ran(command.arg(sql).output().unwrap()).ends(0);
    ran.out.lines().nth(1).unwrap().trim_matches('"').parse().unwrap_or_else(|_| panic!("{sql}: {ran:?}"))
}

#[test]
fn a_lake_in_a_bucket_answers_as_one_in_a_folder() {
    let (server, scratch) = (Server::start(), Scratch::new());
    let env = server.env();
    scratch.write("a.log", log(3_000, &Attack::ALL));
    let first = run(&scratch, &env, &format!("ingest a.log --lake {LAKE} --cluster c")).ends(0);
    assert!(first.err.contains("committed as version 1"), "{first:?}");
    run(&scratch, &env, "ingest a.log --lake lake --cluster c").ends(0);
    let again = run(&scratch, &env, &format!("ingest a.log --lake {LAKE} --cluster c")).ends(0);
    assert!(again.err.contains("the lake is unchanged"), "{again:?}");

    assert_eq!(number(&scratch, &server, "select count(*) from events"), 3_000);
    assert_eq!(number(&scratch, &server, "select count(*) from findings"), 0);
    // the same event under another name is a duplicate, which asks the bucket for the hashes of its parts
    scratch.write("b.log", [log(3_000, &Attack::ALL), lines(0..5).into_bytes()].concat());
    let grown = run(&scratch, &env, &format!("ingest b.log --lake {LAKE} --cluster c")).ends(0);
    assert!(grown.err.contains("committed as version 2"), "{grown:?}");
    assert_eq!(number(&scratch, &server, "select count(*) from events"), 3_005);
    run(&scratch, &env, "ingest b.log --lake lake --cluster c").ends(0);

    let detect = |lake: &str| run(&scratch, &env, &format!("detect --format csv --lake {lake}")).ends(0).out;
    let found = detect(LAKE);
    assert!(found.lines().count() > 50, "{found}");
    assert_eq!(found, detect("lake"));
    let status = run(&scratch, &env, &format!("lake status --lake {LAKE}")).ends(0).out;
    assert!(status.contains(LAKE) && status.contains("3005"), "{status}");

    let keys = server.keys();
    assert!(keys.contains(&"lakes/prod/_key".to_owned()), "{keys:#?}");
    assert!(!keys.iter().any(|key| key.contains("_tmp") || key.contains("_lock")), "{keys:#?}");
    assert!(!scratch.path("s3:").exists(), "nothing lies in a folder that is called like the URL");
}

#[test]
fn runs_at_once_bring_every_event_once() {
    let (server, scratch) = (Server::start(), Scratch::new());
    for at in 0..4 {
        scratch.write(&format!("{at}.log"), lines(at * 10..at * 10 + 10));
    }
    // two of them bring the same source
    let runs: Vec<_> = [0, 1, 2, 3, 3]
        .map(|at| {
            let mut command = command(&scratch, &server.env(), &format!("ingest {at}.log --lake {LAKE}"));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .into_iter()
        .map(|child| ran(child.wait_with_output().unwrap()))
        .collect();
    let codes: Vec<_> = runs.iter().map(|ran| ran.code).collect();
    assert!(codes.iter().all(|code| [Some(0), Some(7)].contains(code)), "{runs:#?}");
    assert!(codes[..3].iter().all(|code| *code == Some(0)), "none of these meets its own source: {runs:#?}");
    assert!(codes[3..].contains(&Some(0)), "one of two wins: {runs:#?}");
    assert_eq!(number(&scratch, &server, "select count(*) from events"), 40);
    assert_eq!(number(&scratch, &server, "select count(distinct audit_id) from events"), 40);
    run(&scratch, &server.env(), &format!("ingest 0.log 1.log 2.log 3.log --lake {LAKE}")).ends(0);
    assert_eq!(number(&scratch, &server, "select count(*) from events"), 40);
}

#[test]
fn many_who_make_a_lake_at_once_make_one() {
    let server = Server::start();
    let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let make = || Lake::create_or_open(server.object("lakes/new")).unwrap().redaction_key().unwrap();
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]), "all have one key");
    assert_eq!(Lake::open(server.object("lakes/new")).unwrap().snapshot().unwrap().version(), 0);
}

#[test]
fn a_place_that_is_no_lake_is_refused_in_words() {
    let (server, scratch) = (Server::start(), Scratch::new());
    let env = server.env();
    server.put("audit/a.log", "x");
    scratch.write("a.log", lines(0..3));
    for (line, words) in [
        ("detect --lake s3://logs/nope", "there is no lake"),
        ("ingest a.log --lake s3://logs/audit", "not empty and not a lake"),
        ("ingest a.log --lake https://example.com/lake", "web servers"),
        ("ingest a.log --lake s3://nope/lake", "no such bucket"),
    ] {
        let ran = run(&scratch, &env, line).ends(2);
        assert!(ran.err.contains(words), "{line}: {ran:?}");
    }
    assert_eq!(server.keys(), ["audit/a.log"]);
}
