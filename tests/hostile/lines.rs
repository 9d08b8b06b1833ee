//! Hostile lines, all in one file: each is a row or a reject with its reason, and never harms its neighbours.

use kubesift::ingest::Options;
use kubesift::limits;
use serde_json::{Value, json};

use crate::rig::{Scratch, event, event_with, lines, options};

/// A line and the reason of its reject; none: it is a row.
type Case = (&'static str, Vec<u8>, Option<&'static str>);

fn text(name: &'static str, text: impl Into<String>, reason: impl Into<Option<&'static str>>) -> Case {
    (name, text.into().into_bytes(), reason.into())
}

fn with(name: &'static str, fields: &Value, reason: impl Into<Option<&'static str>>) -> Case {
    let number = 1_000 + name.bytes().fold(0, |sum, byte| (sum * 31 + usize::from(byte)) % 100_003);
    (name, event_with(number, fields).to_string().into_bytes(), reason.into())
}

/// The plain event with `insert` as its first member.
fn inserted(insert: &str) -> String {
    event(1).to_string().replacen('{', &format!("{{{insert},"), 1)
}

/// The plain event with bytes within its user agent.
fn bytes(name: &'static str, bytes: &[u8], reason: &'static str) -> Case {
    let line = event(2).to_string();
    let at = line.find("kubectl/").unwrap();
    (name, [&line.as_bytes()[..at], bytes, &line.as_bytes()[at..]].concat(), Some(reason))
}

fn json_cases() -> Vec<Case> {
    let deep = |depth: usize| inserted(&format!("\"requestObject\":{}1{}", "[".repeat(depth), "]".repeat(depth)));
    vec![
        text("prose", "the quick brown fox", "bad_json"),
        text("a number", "42", "not_object"),
        text("a string", "\"hello\"", "not_object"),
        text("null", "null", "not_object"),
        text("an array", "[1,2]", "not_object"),
        text("an empty object", "{}", "not_audit_event"),
        text("half an object", "{\"kind\":\"Event\",", "bad_json"),
        text("a comma too many", inserted("\"a\":1,"), "bad_json"),
        text("a comment", inserted("/* hi */\"a\":1"), "bad_json"),
        text("single quotes", inserted("'a':1"), "bad_json"),
        text("two on a line", format!("{}{}", event(3), event(4)), "bad_json"),
        text("something behind it", format!("{}x", event(5)), "bad_json"),
        text("a key twice", inserted("\"verb\":\"list\""), "duplicate_key"),
        text("a key twice, once escaped", inserted("\"\\u0076erb\":\"list\""), "duplicate_key"),
        text(
            "a nested key twice",
            inserted("\"x\":1").replacen("\"user\":{", "\"user\":{\"username\":\"bob\",", 1),
            "duplicate_key",
        ),
        text("too deep", deep(limits::JSON_DEPTH_MAX + 10), "too_deep"),
        text("far too deep", deep(100_000), "too_deep"),
        text("deep but not too deep", deep(limits::JSON_DEPTH_MAX - 10), None),
        text("never closed", inserted(&format!("\"requestObject\":{}", "[".repeat(50_000))), "too_deep"),
        text("a lone high surrogate", inserted("\"a\":\"\\ud800\""), "bad_json"),
        text("a lone low surrogate", inserted("\"a\":\"\\udc00\""), "bad_json"),
        text("surrogates in reverse", inserted("\"a\":\"\\udc00\\ud800\""), "bad_json"),
        text("a whole surrogate pair", inserted("\"a\":\"\\ud83d\\ude00\""), None),
        text("a raw tab in a string", inserted("\"a\":\"x\ty\""), "bad_json"),
        text("a raw escape in a string", inserted("\"a\":\"\u{1b}[2J\""), "bad_json"),
        text("NUL in a string", inserted("\"a\":\"\0\""), "bad_json"),
        text("an escaped NUL", inserted("\"a\":\"\\u0000\""), None),
        text("a line of NULs", "\0".repeat(100), "ctrl_bytes"),
        text("NULs behind an event", format!("{}\0\0\0", event(6)), "bad_json"),
        text("a number with a plus", inserted("\"a\":+1"), "bad_json"),
        text("a number with a zero before", inserted("\"a\":01"), "bad_json"),
        text("not a number", inserted("\"a\":NaN"), "bad_json"),
        text("a huge integer", inserted("\"a\":18446744073709551616"), None),
        text("100 digits", inserted(&format!("\"a\":{}", "9".repeat(100))), None),
        text("a small integer", inserted("\"a\":-9223372036854775809"), None),
        text("line separators in a string", inserted("\"a\":\"\u{2028}\u{2029}\""), None),
        text("a no-break space before", format!("\u{a0}{}", event(7)), "bad_json"),
        text("100 thousand keys", inserted(&format!("\"a\":{{{}}}", keys(100_000))), None),
        bytes("a byte that is not UTF-8", b"\xff", "invalid_utf8"),
        bytes("an overlong slash", b"\xc0\xaf", "invalid_utf8"),
        bytes("a surrogate in UTF-8", b"\xed\xa0\x80", "invalid_utf8"),
        bytes("beyond Unicode", b"\xf4\x90\x80\x80", "invalid_utf8"),
        bytes("half a character", b"\xe2\x82", "invalid_utf8"),
    ]
}

fn keys(number: usize) -> String {
    (0..number).map(|key| format!("\"k{key}\":1")).collect::<Vec<_>>().join(",")
}

fn event_cases() -> Vec<Case> {
    let time = |time: Value| json!({"requestReceivedTimestamp": time, "stageTimestamp": null});
    vec![
        with("a core event", &json!({"apiVersion": "v1"}), "not_audit_event"),
        with("another kind", &json!({"kind": "Pod"}), "not_audit_event"),
        with("a kind that is no text", &json!({"kind": 7}), None),
        with("an alpha version", &json!({"apiVersion": "audit.k8s.io/v1alpha1"}), "unknown_version"),
        with("a future version", &json!({"apiVersion": "audit.k8s.io/v2"}), "unknown_version"),
        with("a beta version", &json!({"apiVersion": "audit.k8s.io/v1beta1"}), None),
        with("no time at all", &time(Value::Null), "bad_timestamp"),
        with("a day that is not", &time(json!("2026-02-30T00:00:00Z")), "bad_timestamp"),
        with("a time without a zone", &time(json!("2026-01-15T00:00:00")), "bad_timestamp"),
        with("a time that is a number", &time(json!(1_768_435_200)), "bad_timestamp"),
        with("a time in words", &time(json!("Thu, 15 Jan 2026 10:00:00 GMT")), "bad_timestamp"),
        with("year one, which is no time at all in Go", &time(json!("0001-01-01T00:00:00Z")), "bad_timestamp"),
        with("year 9999", &time(json!("9999-12-31T23:59:59Z")), None),
        with("an offset", &time(json!("2026-01-15T15:30:00.000000+05:30")), None),
        with("nobody", &json!({"user": null}), None),
        with("a user who is a number", &json!({"user": 7}), None),
        with("groups that are a text", &json!({"user": {"username": "u", "groups": "g"}}), None),
        with("many groups", &json!({"user": {"username": "u", "groups": vec!["g"; 20_000]}}), None),
        with("a code that is a text", &json!({"responseStatus": {"code": "200"}}), None),
        with("a code out of range", &json!({"responseStatus": {"code": 99_999_999_999_i64}}), None),
        with("a level that is a number", &json!({"level": 5}), None),
        with("annotations that are a list", &json!({"annotations": ["a"]}), None),
        with("addresses that are a text", &json!({"sourceIPs": "1.2.3.4"}), None),
        with("an address that is none", &json!({"sourceIPs": ["not an address", "fe80::1%eth0", ""]}), None),
        with("an audit id that climbs", &json!({"auditID": "../../../etc/passwd"}), None),
        with("an audit id of a megabyte", &json!({"auditID": "a".repeat(1 << 20)}), None),
        with("an agent of a megabyte", &json!({"userAgent": "a".repeat(1 << 20)}), None),
        with("a URI that steers", &json!({"requestURI": "/api/v1/\r\n\u{1b}[2J%00%zz?a=%ff&&=&?"}), None),
        with("text that turns around", &json!({"userAgent": "\u{202e}\u{200b}\u{e0041}"}), None),
        with("a verb of other letters", &json!({"verb": "g\u{435}t"}), None),
        with("a namespace that is a path", &json!({"objectRef": {"resource": "secrets", "namespace": "../.."}}), None),
        with("a body that is a text", &json!({"requestObject": "k8s\u{0}", "responseObject": 7}), None),
        with("fields of the future", &json!({"newThing": {"deep": [1, {"a": null}]}}), None),
    ]
}

#[test]
fn every_hostile_line_is_a_row_or_a_reject_with_its_reason() {
    let scratch = Scratch::new();
    let cases: Vec<Case> = json_cases().into_iter().chain(event_cases()).collect();
    let mut log = lines(0..1).into_bytes();
    for (number, (_, line, _)) in cases.iter().enumerate() {
        log.extend(line);
        log.extend(b"\n");
        log.extend(lines(10 + number..11 + number).into_bytes());
    }
    scratch.write("audit.log", log);
    let lenient = Options { reject_ratio_max: 1.0, ..options() };
    let account = scratch.ingest_with(&["audit.log"], &lenient).accounts.remove(0);
    let rejects = scratch.quarantine();
    let rows: std::collections::BTreeSet<i64> =
        scratch.cells(&["line"]).iter().map(|row| row[0].parse().unwrap()).collect();
    let mut faults = Vec::new();
    for (number, (name, _, expected)) in cases.iter().enumerate() {
        let line = 2 * i64::try_from(number).unwrap() + 2;
        let found = rejects.get(&line).map(String::as_str);
        if found != *expected || rows.contains(&line) == found.is_some() {
            faults.push(format!("{name}: {found:?}, expected {expected:?}, row: {}", rows.contains(&line)));
        }
        assert!(rows.contains(&(line + 1)), "{name} took its neighbour with it");
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert_eq!(account.lines, 2 * cases.len() as u64 + 1);
    assert_eq!(account.duplicates, 0);
    // and SQL can look at all of it
    let query = "select count(*) from requests where user_agent is null or length(user_agent) >= 0";
    assert!(scratch.number(query) > 0);
    assert_eq!(scratch.number("select count(*) from events"), account.rows);
}

#[test]
fn bytes_that_are_not_utf8_are_found_wherever_they_stand() {
    let scratch = Scratch::new();
    let mut log = lines(0..1).into_bytes();
    for at in 0..300 {
        let agent = [b"a".repeat(at), b"\xff".to_vec(), b"b".repeat(300 - at)].concat();
        let line = event(1).to_string();
        let (head, tail) = line.split_once("kubectl/v1.33.4").unwrap();
        log.extend([head.as_bytes(), &agent, tail.as_bytes(), b"\n"].concat());
    }
    scratch.write("audit.log", log);
    let lenient = Options { reject_ratio_max: 1.0, ..options() };
    let account = scratch.ingest_with(&["audit.log"], &lenient).accounts.remove(0);
    assert_eq!((account.rows, account.rejects.get("invalid_utf8")), (1, Some(&300)), "{account:?}");
}

#[test]
fn a_line_without_end_is_one_reject() {
    let scratch = Scratch::new();
    let long = inserted(&format!("\"a\":\"{}\"", "x".repeat(17 << 20)));
    scratch.write("audit.log", lines(0..20) + &long + "\n" + &lines(20..40));
    let account = scratch.account("audit.log");
    assert_eq!((account.lines, account.rows, account.rejects.get("too_long")), (41, 40, Some(&1)), "{account:?}");
    assert_eq!(scratch.quarantine().keys().collect::<Vec<_>>(), [&21]);
}

#[test]
fn a_hole_of_zeros_is_one_reject() {
    let scratch = Scratch::new();
    scratch.write("audit.log", [lines(0..20).into_bytes(), vec![0; 1 << 20], lines(20..40).into_bytes()].concat());
    let account = scratch.account("audit.log");
    assert_eq!(account.rejects.get("ctrl_bytes"), Some(&1), "{account:?}");
    assert!(account.rows >= 39, "{account:?}");
}

#[test]
fn clocks_gone_wrong_make_one_partition_only() {
    let scratch = Scratch::new();
    let odd = (0..300).map(|n| {
        let time = json!(format!("{}-01-01T00:00:00Z", 3_000 + n));
        event_with(n, &json!({"requestReceivedTimestamp": time, "stageTimestamp": time})).to_string() + "\n"
    });
    scratch.write("audit.log", odd.collect::<String>() + &lines(0..10));
    assert_eq!(scratch.account("audit.log").rows, 310);
    let dates = scratch.lake().status().unwrap().dates;
    assert_eq!(dates, ["1970-01-01", "2026-01-15"]);
}
