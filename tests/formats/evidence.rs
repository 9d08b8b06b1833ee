//! The detections on generated logs: every attack is found, and an ordinary day is nearly silent.

use std::collections::{BTreeMap, BTreeSet};

use kubesift::finding::Severity;
use kubesift::generate::Attack;
use serde_json::Value;

use crate::rig::Scratch;

/// Findings of medium severity or more that a benign day may raise.
const FALSE_ALARMS_MAX: usize = 5;

fn findings(scratch: &Scratch) -> Vec<Value> {
    let text = scratch.run("triage log --format ndjson --min-severity medium --quiet").done();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_attack_is_evidence_of_a_finding_of_medium_severity_or_more() {
    let scratch = Scratch::new();
    scratch.run("generate --events 20000 --attacks all --out log").ends(0);
    let mut labelled: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(scratch.path("log/labels.jsonl")).unwrap().lines() {
        let label: Value = serde_json::from_str(line).unwrap();
        // what would alarm nobody alone is no proof that the attack was seen
        if label["noisy"] == false {
            let ids = labelled.entry(label["attack"].as_str().unwrap().to_owned()).or_default();
            ids.insert(label["audit_id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(labelled.len(), Attack::ALL.len());
    let findings = findings(&scratch);
    let evidence: BTreeSet<&str> = findings
        .iter()
        .inspect(|finding| {
            assert!(finding["severity"].as_str().unwrap().parse::<Severity>().unwrap() >= Severity::Medium);
        })
        .flat_map(|finding| finding["audit_ids"].as_array().unwrap())
        .map(|id| id.as_str().unwrap())
        .collect();
    let unseen: Vec<&String> = labelled
        .iter()
        .filter(|(_, ids)| !ids.iter().any(|id| evidence.contains(id.as_str())))
        .map(|(name, _)| name)
        .collect();
    assert!(unseen.is_empty(), "not found: {unseen:?}");
}

#[test]
fn an_ordinary_day_is_nearly_silent() {
    let scratch = Scratch::new();
    scratch.run("generate --events 20000 --attacks none --seed 3 --out log").ends(0);
    let findings = findings(&scratch);
    let told: Vec<_> =
        findings.iter().map(|finding| format!("{} {}", finding["detection"], finding["actor"])).collect();
    assert!(told.len() <= FALSE_ALARMS_MAX, "{told:#?}");
}
