//! Detections that know the days before: what is kept for them in a lake, and that it is the same as looking at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::rig::{Scratch, files_below};

/// A detection of the first time that an identity reads a secret, once two days are known.
const FIRST: &str = r#"-- title = "A secret read for the first time"
-- status = "test"
-- severity = "low"
-- attack = ["TA0006/T1552.007"]
-- needs = "Metadata"
-- describe = "An identity read a secret that it had not read before."
-- params = { history_days = 2 }

select audit_id, first_seen, last_seen, actor, value as object, events, cluster
from first_times
where feature = 'secret' and previous_seen is null and log_days >= $history_days
"#;

/// One read of a secret of the namespace shop on a day of January 2026.
fn read(day: u32, actor: &str, secret: &str, code: u16) -> String {
    let time = format!("2026-01-{day:02}T12:00:00.000000Z");
    let decision = if code < 400 { "allow" } else { "forbid" };
    let event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
        "auditID": format!("{actor}-{secret}-{day}"), "verb": "get",
        "requestURI": format!("/api/v1/namespaces/shop/secrets/{secret}"),
        "user": {"username": actor}, "sourceIPs": ["192.0.2.7"], "userAgent": "kubectl/v1.34.0",
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": secret, "apiVersion": "v1"},
        "responseStatus": {"code": code}, "requestReceivedTimestamp": time, "stageTimestamp": time,
        "annotations": {"authorization.k8s.io/decision": decision},
    });
    format!("{event}\n")
}

/// A lake in which two people read their secrets on each of the days.
fn lake(days: std::ops::RangeInclusive<u32>) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("rules/first_read.sql", FIRST);
    let both = |day| read(day, "ana@example.com", "a", 200) + &read(day, "bob@example.com", "b", 200);
    scratch.write("days.log", days.map(both).collect::<String>());
    scratch.ingest(&["days.log"]);
    scratch
}

/// The audit ids of what the detection finds, and what the run says.
fn found(scratch: &Scratch, more: &str) -> (BTreeSet<String>, String) {
    let line = format!("detect --lake lake --rules rules --only first_read --format ndjson {more}");
    let ran = scratch.run(&line).ends(0);
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["audit_id"].as_str().unwrap().to_owned();
    (ran.out.lines().map(id).collect(), ran.err)
}

fn kept(scratch: &Scratch) -> Vec<PathBuf> {
    files_below(&scratch.path("lake/_baseline"))
}

#[test]
fn what_is_new_after_the_days_that_are_needed_is_found() {
    let scratch = lake(1..=3);
    scratch.write("more.log", read(3, "ana@example.com", "b", 200) + &read(2, "bob@example.com", "a", 200));
    scratch.ingest(&["more.log"]);
    // on the second day only one day is known
    assert_eq!(found(&scratch, "").0, BTreeSet::from(["ana@example.com-b-3".to_owned()]));
}

#[test]
fn a_short_log_is_learnt_from_and_says_so() {
    let scratch = lake(1..=2);
    let (ids, words) = found(&scratch, "");
    assert!(ids.is_empty());
    assert!(words.contains("learning what is usual: the log goes back 1 days, and 2 are needed"), "{words}");
    assert!(!scratch.path("lake/_baseline").exists());
}

#[test]
fn a_refused_read_teaches_nothing() {
    let scratch = lake(1..=3);
    let read = |day, code| read(day, "ana@example.com", "b", code);
    scratch.write("more.log", read(2, 403) + &read(3, 200));
    scratch.ingest(&["more.log"]);
    assert_eq!(found(&scratch, "").0.len(), 1);
}

#[test]
fn days_are_made_once_and_a_late_event_makes_its_own_anew() {
    let scratch = lake(1..=4);
    scratch.write("more.log", read(4, "ana@example.com", "b", 200));
    scratch.ingest(&["more.log"]);
    assert_eq!(found(&scratch, "").0.len(), 1);
    let before = kept(&scratch);
    assert_eq!(before.len(), 4);
    let written = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    let times: Vec<_> = before.iter().map(written).collect();
    assert_eq!(found(&scratch, "").0.len(), 1);
    assert_eq!(kept(&scratch).iter().map(written).collect::<Vec<_>>(), times);

    // it turns out that she had read it before
    scratch.write("late.log", read(3, "ana@example.com", "b", 200));
    scratch.ingest(&["late.log"]);
    assert_eq!(found(&scratch, "").0, BTreeSet::from(["ana@example.com-b-3".to_owned()]));
    assert_eq!(kept(&scratch).len(), 5, "the third day as it was and as it is");
}

#[test]
fn a_period_is_compared_with_the_days_before_it() {
    let scratch = lake(1..=5);
    let more = read(4, "ana@example.com", "b", 200) + &read(5, "ana@example.com", "b", 200);
    scratch.write("more.log", more + &read(5, "bob@example.com", "a", 200));
    scratch.ingest(&["more.log"]);
    assert_eq!(found(&scratch, "--since 2026-01-05").0, BTreeSet::from(["bob@example.com-a-5".to_owned()]));
    assert_eq!(found(&scratch, "--until 2026-01-05").0, BTreeSet::from(["ana@example.com-b-4".to_owned()]));
}

#[test]
fn a_lost_or_rebuilt_baseline_gives_the_same_answer() {
    let scratch = lake(1..=3);
    scratch.write("more.log", read(3, "ana@example.com", "b", 200));
    scratch.ingest(&["more.log"]);
    let first = found(&scratch, "").0;
    let files = kept(&scratch);
    fs::remove_file(&files[0]).unwrap();
    assert_eq!(found(&scratch, "").0, first);
    assert_eq!(kept(&scratch), files);
    scratch.run("lake baseline --lake lake --rebuild").ends(0);
    assert_eq!(found(&scratch, "").0, first);
}

#[test]
fn a_query_sees_the_same_days() {
    let scratch = lake(1..=3);
    let days = "select count(distinct date) from baseline where feature = 'secret'";
    assert_eq!(scratch.number(days), 3);
    let query = "select count(*) from first_times where feature = 'secret' and previous_seen is null";
    assert_eq!(scratch.number(query), 2);
    let since = ["sql", "--lake", "lake", "--format", "csv", "--since", "2026-01-03", query];
    let ran = crate::rig::Ran::from(scratch.command(since).output().unwrap()).done();
    assert_eq!(ran.lines().nth(1).unwrap().trim_matches('"'), "0", "{ran}");
}
