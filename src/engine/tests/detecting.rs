//! Detections: their columns, parameters, ids and order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Bench, batch, views};
use crate::detection::{Detection, Header, Level, Status};
use crate::engine::run_detection;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};

pub(super) fn detection(sql: &str) -> Detection {
    Detection {
        id: "secret_read".to_owned(),
        path: "sql/detections/secrets/secret_read.sql".to_owned(),
        header: Header {
            title: "Secret read".to_owned(),
            status: Status::Stable,
            severity: Severity::Low,
            attack: vec!["TA0006/T1552.007".to_owned()],
            needs: Level::Metadata,
            resources: vec![],
            describe: String::new(),
            benign: vec![],
            blind: vec![],
            triage: vec![],
            references: vec![],
            params: BTreeMap::from([("least".to_owned(), 2)]),
        },
        sql: sql.to_owned(),
    }
}

fn run(sql: &str, rows: &[Value], params: &[(&str, i64)]) -> Result<Vec<Finding>> {
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    run_detection(&views(), &detection(sql), vec![batch(rows)], &BTreeMap::new(), &params)
}

const READS: &str = "
    select min(audit_id) as audit_id, array_agg(audit_id) as audit_ids, min(ts) as first_seen, max(ts) as last_seen,
      actor, secret as object, count(*) as events, cluster, array_agg(distinct verb) as verbs, max(user_agent) as agent,
      max(ts) as latest, max(response_code) as code
    from secret_access
    group by actor, secret, cluster
    having count(*) >= $least";

fn read(id: &str, name: Option<&str>, more: Value) -> Value {
    let mut row = json!({"sensitivity": "secret", "resource": "secrets", "verb": "get", "namespace": "shop",
                         "name": name, "audit_id": id});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

#[test]
fn a_row_becomes_a_finding_with_its_evidence() {
    let rows = [
        read("b", Some("db"), json!({"ts": "2026-03-01T10:00:05.5Z", "response_code": 200})),
        read("a", Some("db"), json!({})),
        read("c", Some("other"), json!({})),
    ];
    let found = run(READS, &rows, &[]).unwrap();
    assert_eq!(found.len(), 1);
    let finding = &found[0];
    assert_eq!((finding.actor.as_str(), finding.object.as_str(), finding.events), ("anna", "shop/db", 2));
    assert_eq!((finding.audit_id.as_str(), finding.audit_ids.clone()), ("a", vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(finding.last_seen - finding.first_seen, 5_500_000);
    assert_eq!(finding.cluster, "c1");
    assert_eq!(finding.title, "Secret read");
    let evidence: Value = serde_json::from_str(&finding.evidence).unwrap();
    assert_eq!(evidence, json!({"verbs": ["get"], "latest": "2026-03-01T10:00:05.500Z", "code": 200}));
}

#[test]
fn parameters_replace_the_defaults_of_the_header() {
    let rows = [read("a", Some("db"), json!({}))];
    assert_eq!(run(READS, &rows, &[]).unwrap().len(), 0);
    assert_eq!(run(READS, &rows, &[("least", 1)]).unwrap().len(), 1);
    assert!(matches!(run(READS, &rows, &[("most", 1)]), Err(Error::Usage(_))));
}

#[test]
fn an_id_stays_the_same_and_differs_with_what_makes_the_finding() {
    let one = |more: Value| {
        let found = run(READS, &[read("a", Some("db"), more)], &[("least", 1)]).unwrap();
        found[0].finding_id.clone()
    };
    let id = one(json!({}));
    assert_eq!(id.len(), 16);
    assert_eq!(one(json!({"user_agent": "curl", "line": 9})), id);
    for more in [
        json!({"cluster": "c2"}),
        json!({"username": "x"}),
        json!({"name": "y"}),
        json!({"ts": "2026-03-01T10:00:01Z"}),
    ] {
        assert_ne!(one(more.clone()), id, "{more}");
    }
}

#[test]
fn findings_come_in_order_whatever_the_order_of_rows() {
    let row = |hour: u32, name: &str| read(name, Some(name), json!({"ts": format!("2026-03-01T{hour:02}:00:00Z")}));
    let mut rows: Vec<_> = (0..20).map(|n| row(n % 4 + 10, &format!("s{n}"))).collect();
    let first = run(READS, &rows, &[("least", 1)]).unwrap();
    rows.reverse();
    assert_eq!(first.len(), 20);
    assert_eq!(run(READS, &rows, &[("least", 1)]).unwrap(), first);
    assert!(first.is_sorted_by(|a, b| a.order(b).is_le()));
}

#[test]
fn audit_ids_are_cut_with_the_first_event_among_them() {
    let rows: Vec<_> = (0..150).map(|n| read(&format!("id{n:03}"), Some("db"), json!({}))).collect();
    let sql = READS.replace("min(audit_id) as audit_id", "max(audit_id) as audit_id");
    let found = run(&sql, &rows, &[]).unwrap();
    assert_eq!(found[0].events, 150);
    assert_eq!(found[0].audit_ids.len(), crate::limits::AUDIT_IDS_MAX);
    assert_eq!(found[0].audit_ids[..2], ["id149".to_owned(), "id000".to_owned()]);
}

#[test]
fn nobody_and_nothing_become_empty_text() {
    let sql = "select audit_id, ts as first_seen, ts as last_seen, actor, null as object, 1 as events from requests";
    let found = run(sql, &[json!({"username": null, "audit_id": null})], &[]).unwrap();
    assert_eq!((found[0].actor.as_str(), found[0].object.as_str(), found[0].audit_id.as_str()), ("", "", ""));
    assert_eq!(found[0].evidence, "{}");
}

#[test]
fn a_detection_with_wrong_columns_says_which() {
    for (sql, expected) in [
        ("select 1 as events", "column audit_id (text) is missing"),
        (
            "select 1 as audit_id, ts as first_seen, ts as last_seen, actor, name as object, 1 as events from requests",
            "column audit_id must be text, not Int64",
        ),
        (
            "select audit_id, '2026' as first_seen, ts as last_seen, actor, name as object, 1 as events from requests",
            "column first_seen must be a timestamp, not Utf8",
        ),
        (
            "select nope from requests",
            "detection secret_read (sql/detections/secrets/secret_read.sql): no column named nope",
        ),
    ] {
        let error = run(sql, &[json!({})], &[]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// How many findings each of some queries gives that run together, over one read of a secret and nothing of pods.
fn found_together(queries: &[&str]) -> Vec<usize> {
    let bench = Bench::new(&[read("a", Some("db"), json!({}))]);
    let detections: Vec<Detection> = queries.iter().map(|sql| detection(sql)).collect();
    let wanted: Vec<_> = detections.iter().map(|one| (one, BTreeMap::new())).collect();
    let run = bench.session.prepare(&wanted).unwrap();
    (0..wanted.len()).map(|index| run.find(index).unwrap().findings.len()).collect()
}

#[test]
fn only_what_must_stay_empty_is_left_out_where_views_are_empty() {
    const ROW: &str =
        "select s.audit_id, s.ts as first_seen, s.ts as last_seen, s.actor, s.name as object, 1 as events";
    let reads = format!("{ROW} from sensitive s where s.sensitivity = 'secret'");
    let execs = format!("{ROW} from sensitive s where s.sensitivity = 'exec'");
    let queries = [
        reads.clone(),
        execs.clone(),
        format!("{ROW} from sensitive s join sensitive p on p.actor = s.actor and p.sensitivity = 'exec'"),
        format!("{ROW} from sensitive s left join (select actor from sensitive where sensitivity = 'exec') p on p.actor = s.actor"),
        format!("{ROW} from sensitive s where s.actor not in (select actor from sensitive where sensitivity = 'exec')"),
        format!("{execs} union all {reads}"),
        "select 'a' as audit_id, to_timestamp_micros(1) as first_seen, to_timestamp_micros(1) as last_seen, 'x' as actor, \
         'y' as object, count(*) as events from sensitive where sensitivity = 'exec'"
            .to_owned(),
    ];
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    assert_eq!(found_together(&queries), [1, 0, 0, 1, 1, 1, 1]);
}
