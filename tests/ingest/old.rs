//! Lakes that past versions wrote: they are read, detected over, and ingested into.

use std::fs;
use std::path::Path;

use kubesift::schema::SCHEMA_VERSION;

use crate::rig::{Scratch, files_below, log};

/// A copy of a lake of `tests/data` as the lake `lake`.
fn old_lake(name: &str) -> Scratch {
    let scratch = Scratch::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    for file in files_below(&from) {
        let to = scratch.path("lake").join(file.strip_prefix(&from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }
    scratch
}

/// The lines of the log of the lake `lake`.
fn log_of(scratch: &Scratch) -> String {
    let mut entries = files_below(&scratch.path("lake/events/_delta_log"));
    entries.sort();
    entries.iter().map(|entry| fs::read_to_string(entry).unwrap()).collect()
}

const BY_CLUSTER: &str = "select cluster, count(*) as rows, count(envelope) as known, count(lost) as lost \
                          from events group by cluster order by cluster";

#[test]
fn a_lake_of_version_1_is_read_with_null_in_the_columns_that_it_lacks() {
    let scratch = old_lake("lake_v1");
    assert_eq!(
        scratch.sql(BY_CLUSTER).done(),
        "\"cluster\",\"rows\",\"known\",\"lost\"\n\"old\",\"110\",\"0\",\"0\"\n"
    );
    assert_eq!(scratch.number("select count(*) from events where api_server is null and date = '2026-01-16'"), 7);
    assert_eq!(scratch.number("select count(*) from events where envelope = 'native'"), 0);
    let found = scratch.run("detect --lake lake --format csv --min-severity high").done();
    for detection in ["secret_sweep", "privileged_workload", "powerful_identity_impersonated"] {
        assert!(found.contains(&format!("\"{detection}\"")), "{detection} is not in {found}");
    }
}

#[test]
fn a_lake_of_version_1_is_ingested_into_and_gets_the_new_columns() {
    let scratch = old_lake("lake_v1");
    let before = scratch.run("detect --lake lake --format csv").done();
    assert!(!log_of(&scratch).contains("\\\"envelope\\\""));
    scratch.write("new.log", log(50, &[]));
    scratch.run("ingest new.log --lake lake --cluster new").ends(0);
    let rows = scratch.sql(BY_CLUSTER).done();
    let rows: Vec<_> = rows.lines().skip(1).collect();
    assert_eq!(rows, ["\"new\",\"50\",\"50\",\"0\"", "\"old\",\"110\",\"0\",\"0\""]);
    let log = log_of(&scratch);
    assert_eq!(log.matches("\"metaData\"").count(), 2, "the table's metadata is told once more");
    assert!(log.contains("\\\"envelope\\\"") && log.contains(&format!("\"schema_version\":{SCHEMA_VERSION}")));
    // the table is the same one, by its id
    let ids: Vec<_> = log.split("\"metaData\":{\"id\":\"").skip(1).map(|rest| &rest[..36]).collect();
    assert_eq!(ids[0], ids[1]);

    scratch.write("newer.log", fs::read(scratch.path("new.log")).unwrap());
    scratch.run("ingest newer.log --lake lake --cluster new").ends(0);
    assert_eq!(scratch.number("select count(*) from events"), 160, "known content is still known");
    scratch.write("more.log", self::log(51, &[]));
    scratch.run("ingest more.log --lake lake --cluster new").ends(0);
    assert_eq!(log_of(&scratch).matches("\"metaData\"").count(), 2, "and not again");
    let after = scratch.run("detect --lake lake --format csv --until 2026-01-17").done();
    let lost: Vec<_> = before.lines().filter(|line| line.contains("\"high\"") && !after.contains(line)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}
