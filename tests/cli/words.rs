//! Commands that tell about the program itself, and a lake's status.

use std::collections::BTreeSet;

use kubesift::detection::Pack;
use kubesift::schema;

use crate::rig::{Scratch, lines};

#[test]
fn rules_list_names_every_detection_loudest_first() {
    let text = Scratch::new().run("rules list").done();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let listed: BTreeSet<&str> = rows.iter().map(|row| row[1]).collect();
    let pack = Pack::embedded().unwrap();
    assert_eq!(listed, pack.detections.iter().map(|detection| detection.id.as_str()).collect());
    let severities: Vec<kubesift::finding::Severity> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    assert!(severities.is_sorted_by(|a, b| a >= b));
}

#[test]
fn rules_show_tells_all_of_one_detection() {
    let text = Scratch::new().run("rules show secret_sweep").done();
    let pack = Pack::embedded().unwrap();
    let detection = pack.get("secret_sweep").unwrap();
    for part in [&detection.header.title, &detection.header.describe, &detection.sql.trim().to_owned()] {
        assert!(text.contains(part.as_str()), "{part}\n{text}");
    }
}

#[test]
fn rules_views_names_every_view() {
    let text = Scratch::new().run("rules views").done();
    for view in Pack::embedded().unwrap().views {
        assert!(text.lines().any(|line| line.split_whitespace().next() == Some(&view.name)), "{}", view.name);
    }
}

#[test]
fn rules_check_reads_a_folder() {
    let scratch = Scratch::new();
    let pack = Pack::embedded().unwrap();
    let (path, text) = kubesift::detection::FILES.iter().find(|(path, _)| path.ends_with("/secret_sweep.sql")).unwrap();
    assert!(pack.get("secret_sweep").is_some(), "{path}");
    scratch.write("mine/secrets/my_sweep.sql", text);
    scratch.run("rules check --rules mine").ends(0);
    scratch.run("rules --rules mine check").ends(0);
    scratch.write("mine/secrets/broken.sql", text.replace("-- severity", "-- sveerity"));
    let ran = scratch.run("rules check --rules mine").ends(2);
    assert!(ran.err.contains("broken.sql"), "{ran:?}");
}

#[test]
fn rules_test_holds_a_folder_to_its_cases_and_to_the_tricks() {
    let scratch = Scratch::new();
    let sql = "-- title = \"Exec\"\n-- status = \"test\"\n-- severity = \"low\"\n-- attack = []\n\
               -- needs = \"Metadata\"\n-- describe = \"d\"\n\
               select audit_id, ts as first_seen, ts as last_seen, actor, name as object, 1 as events, cluster\n\
               from pod_access where verb = 'create'\n";
    let case = |name: &str, hit: &str, verb: &str| {
        let object = r#"{"resource":"pods","subresource":"exec","namespace":"shop","name":"web-0"}"#;
        let event = format!(r#"{{"auditID":"e1","verb":"{verb}","user":{{"username":"a"}},"objectRef":{object}}}"#);
        format!("[[case]]\nname = \"{name}\"\nhit = [{hit}]\nevents = '{event}'\n")
    };
    scratch.write("mine/my_exec.sql", sql);
    scratch.write("mine/my_exec.test.toml", case("by SPDY", "\"e1\"", "create") + &case("by WebSocket", "", "get"));
    let test = "rules test --rules mine --only my_exec";
    assert!(scratch.run(test).done().contains("1 detections hold"));
    let ran = scratch.run(&format!("{test} --mutate")).ends(2);
    assert!(ran.err.contains("survives get_for_create") && ran.err.contains("by SPDY"), "{ran:?}");
    let blind = |entries: &str| sql.replace("-- describe", &format!("-- blind = [{entries}]\n-- describe"));
    scratch.write("mine/my_exec.sql", blind("\"get_for_create: it looks for the verb\""));
    scratch.run(&format!("{test} --mutate")).done();
    scratch.write("mine/my_exec.sql", blind("\"get_for_create: it looks for the verb\", \"foreign_agent: why not\""));
    let ran = scratch.run(&format!("{test} --mutate")).ends(2);
    assert!(ran.err.contains("blind declares foreign_agent, but no case is lost to it"), "{ran:?}");
}

#[test]
fn schema_names_every_column() {
    let text = Scratch::new().run("schema").done();
    for column in schema::COLUMNS {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(column.name)).unwrap();
        assert!(line.contains(column.doc), "{line}");
    }
}

#[test]
fn lake_status_counts_what_is_there() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..40) + "\njunk\n");
    scratch.run("ingest a.log --lake lake").ends(3);
    let text = scratch.run("lake status --lake lake").done();
    assert!(text.contains("42 read: 40 rows, 1 rejected, 0 duplicates, 1 blank, 0 of other logs"), "{text}");
    assert!(text.contains("version  1"), "{text}");
    let text = scratch.run("lake repair --lake lake").done();
    assert!(text.contains("whole"), "{text}");
}

#[test]
fn a_torn_commit_is_repaired() {
    let scratch = Scratch::new();
    scratch.write("a.log", lines(0..40));
    scratch.write("b.log", lines(40..50));
    scratch.run("ingest a.log --lake lake").ends(0);
    scratch.run("ingest b.log --lake lake").ends(0);
    let entry = scratch.path("lake/events/_delta_log/00000000000000000002.json");
    let bytes = std::fs::read(&entry).unwrap();
    std::fs::write(&entry, &bytes[..bytes.len() / 2]).unwrap();
    let ran = scratch.sql("select count(*) from events").ends(6);
    assert!(ran.err.contains("repair"), "{ran:?}");
    scratch.run("lake repair --lake lake").ends(0);
    assert_eq!(scratch.number("select count(*) from events"), 40);
    scratch.run("ingest b.log --lake lake").ends(0);
    assert_eq!(scratch.number("select count(*) from events"), 50);
}
