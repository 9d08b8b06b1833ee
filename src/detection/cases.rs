//! Cases: the raw events beside a detection and what it must find in them. They are kept short, because what an event
//! leaves out and most have alike is filled in here.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use toml::Spanned;

use super::document::{at, line_of, read};
use crate::error::Result;

/// The time of a case's first event; each further line is a second later.
const START: &str = "2026-01-15T10:00:00.000000Z";

/// One case of a `NAME.test.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What happens in it, in words.
    pub name: String,
    /// The audit id of each finding expected; empty: a miss.
    pub hit: Vec<String>,
    /// `audit.k8s.io/v1` events, one per line, complete.
    pub events: String,
    /// Lists that the run has, by name.
    pub lists: BTreeMap<String, Vec<String>>,
    /// Params that differ from the detection's defaults.
    pub params: BTreeMap<String, i64>,
    /// Whether the case is left out of tests that change its events and expect the same findings.
    pub skip_mutation: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    case: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Spanned<String>,
    hit: Vec<String>,
    events: Spanned<String>,
    #[serde(default)]
    lists: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    params: BTreeMap<String, i64>,
    #[serde(default)]
    skip_mutation: bool,
}

/// Reads a `NAME.test.toml`. `path` names it in messages.
pub fn parse(path: &str, text: &str) -> Result<Vec<Case>> {
    let file: File = read(path, text)?;
    let mut cases: Vec<Case> = Vec::with_capacity(file.case.len());
    for written in file.case {
        let name = written.name.get_ref().trim().to_owned();
        if name.is_empty() || cases.iter().any(|case| case.name == name) {
            let line = line_of(text, &written.name.span());
            return Err(at(path, line, "each case needs a name of its own, which says what happens in it"));
        }
        let events = complete(path, text, &written.events)?;
        for id in &written.hit {
            if !events.iter().any(|event| event["auditID"] == id.as_str()) {
                let line = line_of(text, &written.name.span());
                return Err(at(path, line, format!("hit {id:?} is the auditID of no event in the case {name:?}")));
            }
        }
        cases.push(Case {
            name,
            hit: written.hit,
            events: events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"),
            lists: written.lists,
            params: written.params,
            skip_mutation: written.skip_mutation,
        });
    }
    Ok(cases)
}

/// The events of a case, each with what it left out.
fn complete(path: &str, text: &str, events: &Spanned<String>) -> Result<Vec<Value>> {
    let opening = &text[events.span().start..];
    // the line end after ''' or """ is not part of the value, but a line of the file
    let skipped = ["'''", "\"\"\""].iter().any(|quotes| {
        opening.strip_prefix(quotes).is_some_and(|rest| rest.starts_with('\n') || rest.starts_with("\r\n"))
    });
    let first_line = line_of(text, &events.span()) + usize::from(skipped);
    let start = DateTime::parse_from_rfc3339(START).expect("START is a time").to_utc();
    let mut complete = Vec::new();
    for (index, line) in events.get_ref().lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut event: Map<String, Value> = serde_json::from_str(line)
            .map_err(|error| at(path, first_line + index, format!("no JSON object: {error}")))?;
        let seconds = i64::try_from(complete.len()).unwrap_or(i64::MAX);
        fill(&mut event, start + TimeDelta::seconds(seconds));
        complete.push(Value::Object(event));
    }
    Ok(complete)
}

/// Adds what `event` leaves out; what it has stays.
fn fill(event: &mut Map<String, Value>, now: DateTime<Utc>) {
    let level = if event.contains_key("requestObject") { "RequestResponse" } else { "Metadata" };
    let now = json!(now.to_rfc3339_opts(SecondsFormat::Micros, true));
    let received = event.get("stageTimestamp").cloned().unwrap_or(now);
    let mut default = |key: &str, value: Value| event.entry(key).or_insert(value).clone();
    default("kind", json!("Event"));
    default("apiVersion", json!("audit.k8s.io/v1"));
    default("level", json!(level));
    let stage = default("stage", json!("ResponseComplete"));
    let received = default("requestReceivedTimestamp", received);
    default("stageTimestamp", received);
    default("sourceIPs", json!(["10.0.0.10"]));
    default("userAgent", json!("kubectl/v1.34.0 (linux/amd64) kubernetes/f28b4c9"));
    // the API server decides before it answers: neither a request just received nor a refused one has `allow`
    let code = event.get("responseStatus").and_then(|status| status["code"].as_i64());
    if stage != "RequestReceived" && code.is_none_or(|code| code < 400) {
        let allow = json!({"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""});
        event.entry("annotations").or_insert(allow);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one event of a case, filled in.
    fn event(json: &str) -> Value {
        events(json).remove(0)
    }

    fn events(lines: &str) -> Vec<Value> {
        let text = format!("[[case]]\nname = \"a\"\nhit = []\nevents = '''\n{lines}\n'''\n");
        let case = parse("a.test.toml", &text).unwrap().remove(0);
        case.events.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn error(text: &str) -> String {
        parse("a.test.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn a_case_has_all_that_its_file_says() {
        let text = r#"
[[case]]
name   = "exec from outside"
hit    = ["e1"]
events = '''
{"auditID":"e1"}
'''
lists  = { trusted_networks = ["198.51.100.0/24"] }
params = { events_min = 2 }
skip_mutation = true

[[case]]
name   = "nothing happens"
hit    = []
events = ""
"#;
        let cases = parse("a.test.toml", text).unwrap();
        assert_eq!((cases[0].name.as_str(), cases[0].hit.as_slice()), ("exec from outside", &["e1".to_owned()][..]));
        assert_eq!(cases[0].lists["trusted_networks"], ["198.51.100.0/24"]);
        assert_eq!(cases[0].params["events_min"], 2);
        assert!(cases[0].skip_mutation && !cases[1].skip_mutation);
        assert_eq!((cases[1].name.as_str(), cases[1].events.as_str()), ("nothing happens", ""));
    }

    #[test]
    fn an_event_gets_what_it_leaves_out() {
        let event = event(r#"{"auditID":"e1","verb":"get"}"#);
        assert_eq!(event["kind"], "Event");
        assert_eq!(event["apiVersion"], "audit.k8s.io/v1");
        assert_eq!(event["level"], "Metadata");
        assert_eq!(event["stage"], "ResponseComplete");
        assert_eq!(event["requestReceivedTimestamp"], START);
        assert_eq!(event["stageTimestamp"], START);
        assert_eq!(event["sourceIPs"][0], "10.0.0.10");
        assert!(event["userAgent"].as_str().unwrap().starts_with("kubectl/"));
        assert_eq!(event["annotations"]["authorization.k8s.io/decision"], "allow");
        assert_eq!(event["verb"], "get");
    }

    #[test]
    fn what_an_event_says_stays() {
        let line = r#"{"kind":"E","apiVersion":"a","level":"Request","stage":"ResponseStarted","sourceIPs":[],
            "requestReceivedTimestamp":"r","stageTimestamp":"s","userAgent":"","annotations":{},"requestObject":{}}"#;
        let line = line.replace('\n', "");
        assert_eq!(event(&line), serde_json::from_str::<Value>(&line).unwrap());
    }

    #[test]
    fn each_line_is_a_second_later() {
        let events = events("{\"auditID\":\"e1\"}\n\n{\"auditID\":\"e2\"}\n{\"stageTimestamp\":\"s\"}");
        assert_eq!(events[1]["requestReceivedTimestamp"], "2026-01-15T10:00:01.000000Z");
        assert_eq!(events[1]["stageTimestamp"], "2026-01-15T10:00:01.000000Z");
        assert_eq!(events[2]["requestReceivedTimestamp"], "s");
    }

    #[test]
    fn a_body_raises_the_level() {
        assert_eq!(event(r#"{"requestObject":{"spec":{}}}"#)["level"], "RequestResponse");
    }

    #[test]
    fn a_refused_or_unanswered_request_gets_no_decision() {
        assert!(event(r#"{"responseStatus":{"code":403}}"#).get("annotations").is_none());
        assert!(event(r#"{"stage":"RequestReceived"}"#).get("annotations").is_none());
        let allowed = event(r#"{"responseStatus":{"code":200}}"#);
        assert_eq!(allowed["annotations"]["authorization.k8s.io/decision"], "allow");
    }

    #[test]
    fn unknown_and_missing_keys_fail_with_their_line() {
        assert_eq!(
            error("[[case]]\nname = \"a\"\nhits = []\nevents = \"\"\n"),
            r#"a.test.toml:3: unknown key "hits"; did you mean "hit"?"#
        );
        assert!(error("[[case]]\nname = \"a\"\nevents = \"\"\n").ends_with(r#"missing key "hit""#));
        assert!(error("[[cases]]\n").contains("unknown key \"cases\""));
    }

    #[test]
    fn a_broken_event_fails_with_the_line_of_the_file() {
        let text = "[[case]]\nname = \"a\"\nhit = []\nevents = '''\n{\"auditID\":\"e1\"}\n{\"auditID\":\n'''\n";
        assert!(error(text).starts_with("a.test.toml:6: no JSON object: "));
        assert!(
            error("[[case]]\nname = \"a\"\nhit = []\nevents = '[]'\n").starts_with("a.test.toml:4: no JSON object")
        );
    }

    #[test]
    fn a_hit_that_no_event_has_and_a_doubled_name_fail() {
        let case = "[[case]]\nname = \"a\"\nhit = []\nevents = ''\n";
        let lost = case.replace("[]", "[\"e9\"]");
        assert_eq!(error(&lost), r#"a.test.toml:2: hit "e9" is the auditID of no event in the case "a""#);
        assert!(error(&format!("{case}{case}")).starts_with("a.test.toml:6: each case needs a name"));
    }
}
