//! Column by column: what stands in the lake is what `serde_json` reads in the log.

use std::collections::BTreeMap;

use chrono::DateTime;
use kubesift::generate::Attack;
use serde_json::Value;

use crate::rig::{Scratch, log};

/// Columns that are a field of the event and nothing else.
const FIELDS: &[(&str, &str)] = &[
    ("audit_id", "/auditID"),
    ("stage", "/stage"),
    ("level", "/level"),
    ("verb", "/verb"),
    ("username", "/user/username"),
    ("user_uid", "/user/uid"),
    ("impersonated_username", "/impersonatedUser/username"),
    ("user_agent", "/userAgent"),
    ("resource", "/objectRef/resource"),
    ("subresource", "/objectRef/subresource"),
    ("namespace", "/objectRef/namespace"),
    ("api_group", "/objectRef/apiGroup"),
    ("api_version", "/objectRef/apiVersion"),
    ("response_code", "/responseStatus/code"),
    ("response_reason", "/responseStatus/reason"),
    ("auth_decision", "/annotations/authorization.k8s.io~1decision"),
];

fn micros(event: &Value, field: &str) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(event[field].as_str()?).unwrap().timestamp_micros())
}

fn expected(event: &Value) -> Vec<String> {
    let field = |pointer: &str| match event.pointer(pointer) {
        None => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut row: Vec<String> = FIELDS.iter().map(|(_, pointer)| field(pointer)).collect();
    for time in ["requestReceivedTimestamp", "stageTimestamp"] {
        let time = micros(event, time).and_then(DateTime::from_timestamp_micros).unwrap();
        row.push(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
    }
    row
}

/// `2026-01-15T10:00:00Z` and `2026-01-15T10:00:00.5Z` with all six digits.
fn six_digits(time: &str) -> String {
    DateTime::parse_from_rfc3339(time).unwrap().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[test]
fn every_row_is_what_a_plain_reader_reads() {
    let text = String::from_utf8(log(3_000, &Attack::ALL)).unwrap();
    let scratch = Scratch::new();
    scratch.write("audit.log", &text);
    assert_eq!(scratch.account("audit.log").rows, 3_000);

    let columns: Vec<&str> = ["line"].into_iter().chain(FIELDS.iter().map(|(column, _)| *column)).collect();
    let columns = [columns, vec!["ts", "stage_ts", "request_uri", "name"]].concat();
    let mut rows: BTreeMap<usize, Vec<String>> =
        scratch.cells(&columns).into_iter().map(|row| (row[0].parse().unwrap(), row[1..].to_vec())).collect();
    assert_eq!(rows.len(), 3_000);
    for (number, line) in text.lines().enumerate() {
        let event: Value = serde_json::from_str(line).unwrap();
        let mut row = rows.remove(&(number + 1)).unwrap();
        let (name, uri) = (row.pop().unwrap(), row.pop().unwrap());
        for time in row.iter_mut().skip(FIELDS.len()) {
            *time = six_digits(time);
        }
        assert_eq!(row, expected(&event), "line {}", number + 1);
        if !uri.contains("redacted") {
            assert_eq!(Some(uri.as_str()), event["requestURI"].as_str());
        }
        match event["objectRef"]["name"].as_str() {
            Some(expected) => assert_eq!(name, expected),
            None => assert!(name == "-" || uri.contains("fieldSelector=metadata.name"), "{name} {uri}"),
        }
    }
}

#[test]
fn rows_lie_in_the_partition_of_their_date() {
    let scratch = Scratch::new();
    let options = kubesift::generate::Options {
        events: 2_000,
        attacks: vec![],
        span: 3 * 86_400_000_000,
        ..kubesift::generate::Options::default()
    };
    let mut text = Vec::new();
    kubesift::generate::write_stream(&options, &mut text).unwrap();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_slice(line).unwrap();
        *expected.entry(event["requestReceivedTimestamp"].as_str().unwrap()[..10].to_owned()).or_default() += 1;
    }
    scratch.write("audit.log", text);
    scratch.account("audit.log");
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for part in scratch.lake().snapshot().unwrap().parts() {
        assert!(part.path.to_string_lossy().contains(&format!("date={}", part.date)));
        *found.entry(part.date.clone()).or_default() += part.rows;
    }
    assert_eq!(found, expected);
}
