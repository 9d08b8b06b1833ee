//! What is written: one finding a line, files that read back, and nothing that a log says taken for more than text.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::rig::{Ran, Scratch, cells, event_with, lines, log, parquet};

const FEW: &str = "--only secret_sweep,secret_read_by_hand,pod_exec";

/// A log in which hostile text stands wherever a finding shows text.
fn hostile_log() -> String {
    let evil = HOSTILE.concat();
    let exec = |number: usize, text: &str| {
        event_with(
            number,
            &json!({
                "verb": "create", "userAgent": text, "user": {"username": text, "groups": ["system:authenticated"]},
                "requestURI": format!("/api/v1/namespaces/shop/pods/p/exec?command={text}"),
                "objectRef": {"resource": "pods", "subresource": "exec", "namespace": text, "name": text, "apiVersion": "v1"},
                "responseStatus": {"metadata": {}, "code": 101}
            }),
        )
        .to_string()
            + "\n"
    };
    let each: String = HOSTILE.iter().enumerate().map(|(number, text)| exec(number, text)).collect();
    each + &exec(100, &evil)
}

const HOSTILE: &[&str] = &[
    "\u{1b}]0;owned\u{7}\u{1b}[2J",
    "\u{9b}2J\r\n",
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-1",
    "@SUM(1)",
    "a,b\"c;=1",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "{{7*7}}{% raw %}",
    "\u{202e}gnp.exe",
    "zero\u{200b}width",
];

fn steers(text: &str) -> bool {
    text.chars().any(|c| c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}')))
}

#[test]
fn findings_go_to_stdout_one_object_a_line_and_nothing_else() {
    let scratch = Scratch::new();
    scratch.write("audit.log", log(2_000, &kubesift::generate::Attack::ALL));
    let ran = scratch.run(&format!("triage audit.log --format ndjson {FEW}")).ends(0);
    let findings: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(findings.len() > 3, "{ran:?}");
    for finding in &findings {
        assert!(finding["detection"].is_string() && finding["title"].is_string() && finding["actor"].is_string());
        assert!(finding["severity"].as_str().unwrap().parse::<kubesift::finding::Severity>().is_ok());
        let ids = finding["audit_ids"].as_array().unwrap();
        assert!(ids.contains(&finding["audit_id"]), "{finding}");
        assert!(finding["evidence"].is_object(), "{finding}");
        assert!(finding["first_seen"].as_str() <= finding["last_seen"].as_str());
    }
    assert!(ran.err.contains("2000 rows"), "the summary goes to stderr: {ran:?}");
    assert!(scratch.run(&format!("triage audit.log --quiet {FEW}")).ends(0).err.is_empty());
}

#[test]
fn a_lake_and_a_triage_find_the_same() {
    let scratch = Scratch::new();
    scratch.write("audit.log", log(2_000, &kubesift::generate::Attack::ALL));
    let triaged = scratch.run(&format!("triage audit.log --format ndjson {FEW}")).done();
    scratch.run("ingest audit.log --lake lake").ends(0);
    let detected = scratch.run(&format!("detect --lake lake --format ndjson {FEW}")).done();
    assert_eq!(detected, triaged);
    assert_eq!(scratch.run(&format!("detect --lake lake --format ndjson {FEW} --threads 1")).done(), triaged);
}

#[test]
fn findings_in_a_file_read_back() {
    let scratch = Scratch::new();
    scratch.write("audit.log", log(2_000, &kubesift::generate::Attack::ALL));
    scratch.run("ingest audit.log --lake lake").ends(0);
    let ndjson = scratch.run(&format!("detect --lake lake --format ndjson {FEW}")).done();
    let ids: Vec<String> =
        ndjson.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["finding_id"].to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(|id| id.trim_matches('"')).collect();

    assert_eq!(scratch.run(&format!("detect --lake lake {FEW} --out findings.parquet")).done(), "");
    let rows: Vec<_> = parquet(&scratch.path("findings.parquet"));
    assert_eq!(rows[0].schema(), kubesift::finding::schema());
    assert_eq!(rows.iter().flat_map(|batch| cells(batch, &["finding_id"])).collect::<Vec<_>>().concat(), ids);

    scratch.run(&format!("detect --lake lake {FEW} --out findings.csv")).done();
    let mut csv = csv::Reader::from_path(scratch.path("findings.csv")).unwrap();
    let at = csv.headers().unwrap().iter().position(|name| name == "finding_id").unwrap();
    let in_csv: Vec<String> = csv.records().map(|row| row.unwrap()[at].to_owned()).collect();
    assert_eq!(in_csv, ids);

    scratch.run(&format!("detect --lake lake {FEW} --out findings.json")).done();
    let json: Value = serde_json::from_slice(&std::fs::read(scratch.path("findings.json")).unwrap()).unwrap();
    let text = json.to_string();
    assert!(ids.iter().all(|id| text.contains(id)));
}

#[test]
fn a_reader_that_leaves_early_is_no_fault() {
    let scratch = Scratch::new();
    scratch.write("audit.log", lines(0..3_000));
    scratch.run("ingest audit.log --lake lake").ends(0);
    let query = "select audit_id, user_agent, request_uri, annotations from events";
    let mut command = scratch.command(["sql", "--lake", "lake", "--format", "ndjson", query]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"audit_id\""), "{line}");
    drop(out);
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let scratch = Scratch::new();
    scratch.write("audit.log", hostile_log());
    scratch.run("ingest audit.log --lake lake").ends(0);
    for format in ["table", "csv", "ndjson", "json", "markdown"] {
        let ran: Ran = scratch.run(&format!("detect --lake lake {FEW} --format {format}")).ends(0);
        assert!(ran.out.contains("script"), "{format}: {}", ran.out);
        assert!(!steers(&ran.out.replace("\r\n", "\n")), "{format}: {}", ran.out);
        assert!(!steers(&ran.err), "{}", ran.err);
    }
    for query in ["select user_agent, username, name from events", "select exec_command from events"] {
        for format in ["table", "csv", "ndjson"] {
            let args = ["sql", "--lake", "lake", "--format", format, query];
            let out = Ran::from(scratch.command(args).output().unwrap()).done().replace("\r\n", "\n");
            assert!(out.contains("script") && !steers(&out), "{format}: {out}");
        }
    }
}

#[test]
fn hostile_text_becomes_no_formula() {
    let scratch = Scratch::new();
    scratch.write("audit.log", hostile_log());
    let text = scratch.run(&format!("triage audit.log {FEW} --format csv")).done();
    let mut rows = 0;
    for row in csv::Reader::from_reader(text.as_bytes()).records() {
        for cell in &row.unwrap() {
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell}");
        }
        rows += 1;
    }
    assert!(rows >= HOSTILE.len(), "{text}");
}

#[test]
fn hostile_text_is_text_on_the_page() {
    let scratch = Scratch::new();
    scratch.write("audit.log", hostile_log());
    scratch.run(&format!("triage audit.log {FEW} --quiet --report page.html")).done();
    let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
    assert!(page.contains("&lt;script&gt;"), "the text is there, as text");
    for markup in ["<script", "<img", "onerror=alert(1)>", "javascript:", "http-equiv=\"refresh\""] {
        assert!(!page.to_lowercase().contains(markup), "{markup}");
    }
    assert!(page.contains("{{7*7}}") && !steers(&page));
}

#[test]
fn the_names_of_files_are_hostile_too() {
    let scratch = Scratch::new();
    let name = "\u{1b}[2J<script>.log";
    scratch.write(name, lines(0..40) + "junk\n");
    let args = ["triage", name, "--only", "secret_sweep", "--report", "page.html"];
    let ran = Ran::from(scratch.command(args).output().unwrap()).ends(3);
    assert!(!steers(&ran.err) && !steers(&ran.out), "{ran:?}");
    let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
    assert!(page.contains("&lt;script&gt;.log") && !page.contains("<script") && !steers(&page));
    scratch.write("prose\u{7}.log", "prose\n".repeat(20));
    let ran = Ran::from(scratch.command(["ingest", "prose\u{7}.log", "--lake", "lake"]).output().unwrap()).ends(4);
    assert!(!steers(&ran.err), "{ran:?}");
}

#[test]
fn a_demo_shows_the_whole_road() {
    let scratch = Scratch::new();
    let ran = scratch.run("demo --out demo").ends(0);
    assert!(ran.out.contains("secret_sweep") || ran.out.contains("Many secrets"), "{ran:?}");
    for file in ["demo/report.html", "demo/logs/labels.jsonl"] {
        assert!(scratch.path(file).metadata().unwrap().len() > 1_000, "{file}");
    }
    assert!(ran.err.contains("report.html"), "{ran:?}");
    scratch.write("other/precious.txt", "mine");
    scratch.run("demo --out other").ends(2);
    assert!(scratch.path("other/precious.txt").exists());
}

#[test]
fn what_is_suppressed_is_counted_and_signed() {
    let scratch = Scratch::new();
    scratch.write("audit.log", log(2_000, &kubesift::generate::Attack::ALL));
    let triage = format!("triage audit.log --format json {FEW}");
    let document = |ran: &Ran| serde_json::from_str::<Value>(&ran.out).unwrap();
    let plain = document(&scratch.run(&triage).ends(0));
    let findings = plain["findings"].as_array().unwrap();
    let (detection, actor) = (&findings[0]["detection"], &findings[0]["actor"]);
    let hidden = findings.iter().filter(|one| one["actor"] == *actor && one["detection"] == *detection).count();
    assert_eq!(plain["suppressions"], json!([]));

    let rule = |actor: &Value, expires: &str| {
        let matched = format!("[[suppress]]\ndetection = {detection}\nactor = {actor}\nexpires = {expires:?}\n");
        matched + "reason = \"known\"\nowner = \"bob@example.com\"\n"
    };
    let idle = rule(&json!("nobody@example.com"), "9999-12-31");
    scratch.write("kubesift.toml", rule(actor, "9999-12-31") + &idle);
    let ran = scratch.run(&triage).ends(0);
    let hiding = document(&ran);
    assert_eq!(hiding["findings"].as_array().unwrap().len(), findings.len() - hidden);
    assert_eq!(hiding["summary"]["suppressed"], hidden);
    assert_eq!(hiding["suppressions"][0]["findings"], hidden);
    assert_eq!(hiding["suppressions"][0]["owner"], "bob@example.com");
    assert_eq!(hiding["suppressions"][1]["effect"], "hid_nothing");
    assert!(ran.err.contains(&format!("({hidden} suppressed)")) && ran.err.contains("hid nothing"), "{ran:?}");

    scratch.write("kubesift.toml", rule(actor, "2020-01-31"));
    let ran = scratch.run(&triage).ends(0);
    assert_eq!(document(&ran)["findings"], plain["findings"]);
    assert!(ran.err.contains(&format!("expired 2020-01-31, {hidden} shown again")), "{ran:?}");

    scratch.write("kubesift.toml", idle.replace("owner", "ower"));
    assert!(scratch.run(&triage).ends(2).err.contains("owner"));
}
