//! `kubesift risk`, and what the reports say of it.

use kubesift::generate::Attack;
use serde_json::Value;

use crate::rig::{Scratch, lines, log};

/// A lake with a sweep of secrets, and the detections that see it.
fn swept() -> (Scratch, &'static str) {
    let scratch = Scratch::new();
    scratch.write("audit.log", log(3_000, &[Attack::SecretSweep, Attack::PortForward]));
    scratch.run("ingest audit.log --lake lake").ends(0);
    (scratch, "--only secret_sweep,secret_read_by_hand,port_forward,changed_by_hand")
}

#[test]
fn scores_are_explained_by_terms_that_add_up() {
    let (scratch, few) = swept();
    let text = scratch.run(&format!("risk --lake lake --format json {few} --top 1000")).done();
    let risk: Value = serde_json::from_str(&text).unwrap();
    let found = scratch.run(&format!("detect --lake lake --format ndjson -q {few}")).done();
    for sort in ["identities", "secrets"] {
        let scores = risk[sort].as_array().unwrap();
        assert!(scores.len() > 1, "{text}");
        for score in scores {
            let terms = score["terms"].as_array().unwrap();
            let points: u64 = terms.iter().map(|term| term["points"].as_u64().unwrap()).sum();
            assert_eq!(points, score["score"].as_u64().unwrap(), "{score}");
            for id in terms.iter().flat_map(|term| term["findings"].as_array().unwrap()) {
                assert!(found.contains(id.as_str().unwrap()), "{id} is a finding");
            }
        }
        let scores: Vec<u64> = scores.iter().map(|score| score["score"].as_u64().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    }
    let sweep = found.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let sweep = sweep.into_iter().find(|finding| finding["detection"] == "secret_sweep").unwrap();
    assert_eq!(risk["identities"][0]["name"], sweep["actor"], "the sweep is the worst of these");
    let secrets = sweep["evidence"]["secrets"].as_str().unwrap();
    assert!(secrets.contains(risk["secrets"][0]["name"].as_str().unwrap()));
    assert_eq!(scratch.run(&format!("risk --lake lake --format json {few} --top 1000 --threads 1")).done(), text);
}

#[test]
fn the_table_and_csv_say_the_same() {
    let (scratch, few) = swept();
    let table = scratch.run(&format!("risk --lake lake {few} --top 1")).done();
    let csv = scratch.run(&format!("risk --lake lake {few} --top 1 --format csv")).done();
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(csv.as_bytes()).into_records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2, "one identity and one secret: {csv}");
    for row in &rows {
        assert!(table.contains(&row[1]) && table.contains(&row[3]), "{table}\n{csv}");
        let points: u64 = (6..12).map(|index| row[index].parse::<u64>().unwrap()).sum();
        assert_eq!(points, row[3].parse::<u64>().unwrap());
    }
    assert!(table.contains("more"), "{table}");
}

#[test]
fn a_run_names_the_riskiest_where_there_is_something_loud() {
    let (scratch, few) = swept();
    let ran = scratch.run(&format!("detect --lake lake {few} --report page.html")).ends(0);
    assert!(ran.err.contains("riskiest"), "{ran:?}");
    let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
    assert!(page.contains("Who and what is at risk"));
    let markdown = scratch.run(&format!("detect --lake lake {few} --format markdown -q")).done();
    assert!(markdown.contains("## risk"), "{markdown}");
    let json: Value =
        serde_json::from_str(&scratch.run(&format!("detect --lake lake {few} --format json -q")).done()).unwrap();
    // what is hidden counts all the same
    let loud = scratch.run(&format!("detect --lake lake {few} --format json -q --min-severity high")).done();
    let loud: Value = serde_json::from_str(&loud).unwrap();
    assert!(json["risks"].as_array().unwrap().len() > 1);
    assert_eq!(loud["risks"], json["risks"]);
    let ran = scratch.run("detect --lake lake --only changed_by_hand").ends(0);
    assert!(!ran.err.contains("riskiest"), "{ran:?}");
}

#[test]
fn without_findings_there_is_no_risk() {
    let scratch = Scratch::new();
    scratch.write("audit.log", lines(0..3));
    scratch.run("ingest audit.log --lake lake").ends(0);
    let text = scratch.run("risk --lake lake --only secret_sweep").done();
    assert_eq!(text, "no findings, so no risk to tell of\n");
    let text = scratch.run("risk --lake lake --only secret_sweep --format json").done();
    let risk: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(risk, serde_json::json!({"identities": [], "secrets": []}));
    scratch.run("risk --lake nowhere").ends(2);
    scratch.run("risk --lake lake --format yaml").ends(2);
}
