//! Statements that must be refused, and those that must not.

use serde_json::json;

use super::Bench;
use crate::error::Error;

#[test]
fn everything_but_one_select_over_known_tables_is_refused() {
    let bench = Bench::new(&[json!({})]);
    let long = format!("select '{}'", "x".repeat(70_000));
    let chain = format!("select 1{}", " + 1".repeat(3_000));
    let ors = format!("select * from events where {} true", "line = 1 or ".repeat(2_000));
    for sql in [
        "create table t as select 1",
        "create external table t stored as parquet location '/etc/passwd'",
        "create view v as select 1",
        "create schema s",
        "create database d",
        "create function f() returns int return 1",
        "drop table events",
        "drop view requests",
        "insert into events select * from events",
        "delete from events",
        "update events set name = 'x'",
        "truncate table events",
        "copy events to '/tmp/kubesift-test-out.parquet'",
        "copy (select 1) to '/tmp/kubesift-test-out.csv'",
        "explain analyze copy (select 1) to '/tmp/kubesift-test-out.csv'",
        "set datafusion.runtime.memory_limit = '100G'",
        "reset datafusion.runtime.memory_limit",
        "prepare p as select 1",
        "execute p",
        "begin",
        "commit",
        "select 1; select 2",
        "select 1; drop table events",
        "select * into t from events",
        "select * from '/etc/passwd'",
        "select * from \"file:///etc/passwd\"",
        "select * from read_parquet('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "select * from datafusion.public.events",
        "select * from generate_series(1, 1000000000)",
        "select * from range(1, 1000000000)",
        "select repeat('x', 1000000000)",
        "select lpad('x', 1000000000)",
        "select rpad('x', 1000000000)",
        "select array_repeat('x', 1000000000)",
        "select unnest(generate_series(1, 1000000000))",
        "select unnest(range(1, 1000000000))",
        "",
        "-- nothing",
        "select * from missing",
        "select missing from events",
        "select 'unclosed",
        long.as_str(),
        chain.as_str(),
        ors.as_str(),
    ] {
        let short: String = sql.chars().take(80).collect();
        match bench.try_rows(sql) {
            Err(Error::Query(message)) => {
                assert!(message.starts_with("query: "), "{message}");
                assert!(!message.contains("datafusion.public.") || short.contains("datafusion.public"), "{message}");
            }
            other => panic!("{short}: {other:?}"),
        }
    }
    assert!(!std::path::Path::new("/tmp/kubesift-test-out.parquet").exists());
    assert!(!std::path::Path::new("/tmp/kubesift-test-out.csv").exists());
}

#[test]
fn queries_and_questions_about_tables_are_allowed() {
    let bench = Bench::new(&[json!({})]);
    let list = (0..5_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let long_list = format!("select * from events where line in ({list})");
    for sql in [
        "select * from events",
        "select 1;",
        "with e as (select * from events) select count(*) from e",
        "select a.name from events a join requests b on a.audit_id = b.audit_id",
        "explain select * from sensitive",
        "explain analyze select * from events",
        "select table_name from information_schema.tables",
        "show tables",
        "show columns from pod_specs",
        "describe secret_access",
        "select name from events union all select name from requests",
        long_list.as_str(),
    ] {
        assert!(!bench.rows(sql).is_empty(), "{sql}");
    }
}

#[test]
fn a_message_names_what_there_is() {
    let bench = Bench::new(&[json!({})]);
    let error = bench.try_rows("select * from secret").unwrap_err().to_string();
    assert!(error.contains("no table named secret") && error.contains("secret_access"), "{error}");
    let error = bench.try_rows("select source_ip from events").unwrap_err().to_string();
    assert!(error.contains("no column named source_ip; there is source, source_ips"), "{error}");
}

#[test]
fn a_message_carries_no_control_characters() {
    let bench = Bench::new(&[json!({"name": "x\u{1b}[2Jy"})]);
    let error = bench.try_rows("select cast(name as int) from events").unwrap_err().to_string();
    assert!(!error.chars().any(char::is_control), "{error:?}");
}
