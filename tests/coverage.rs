//! The coverage table holds: every rule, finding and technique that others have is answered once, by detections that
//! exist or by the reason why not, and every detection of ours has its place in it.

use kubesift::detection::Pack;
use kubesift::detection::coverage::{Answer, Coverage};

#[test]
fn every_row_is_answered_and_every_detection_has_a_row() {
    let faults = Coverage::embedded().unwrap().faults(&Pack::embedded().unwrap());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_reason_why_not_is_a_sentence() {
    let (coverage, pack) = (Coverage::embedded().unwrap(), Pack::embedded().unwrap());
    let sections = [coverage.rows(), coverage.attack(&pack), coverage.threat_matrix()].concat();
    for entry in sections.iter().flat_map(|section| &section.entries) {
        if let Answer::Not(why) = &entry.answer {
            assert!(why.split_whitespace().count() >= 5, "{}: {why}", entry.id);
        }
    }
}
