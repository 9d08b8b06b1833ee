//! Inputs that nobody thought of: events with bytes and tokens changed by chance, and what is concluded from the words
//! that conclusions hang on.

use std::sync::LazyLock;

use kubesift::generate::{self, Attack};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::line::{FULL, Members, PLAIN, changed, quoted, with};
use super::{assert_agrees, judge, parser};

/// What is put in or in the place of something.
const TOKENS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\r",
    "null",
    "true",
    "0",
    "-",
    "1e9",
    "\"\"",
    "{}",
    "[]",
    "\\\"",
    "\\\\",
    "\\u0022",
    "\\u0061",
    "\\ud800",
    "\"},\"",
    "\":\"",
    "\",\"",
    "\"user\":{",
    "\"verb\":\"get\",",
    "\"sourceIPs\":[",
    ",\"code\":403",
    "\0",
    "\u{e9}",
    "\u{feff}",
    "\"kind\":\"EventList\",",
    "\"items\":[],",
    "managedFields",
    "eyJ",
    "redacted hmac=",
    "?fieldSelector=metadata.name%3Dx",
];

#[derive(Debug, Clone)]
enum Change {
    Delete(Index, usize),
    Insert(Index, &'static str),
    Byte(Index, u8),
    Swap(Index, Index),
    Repeat(Index, Index),
    Order(Vec<Index>),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), 1_usize..12).prop_map(|(at, count)| Change::Delete(at, count)),
        4 => (at(), select(TOKENS)).prop_map(|(at, token)| Change::Insert(at, token)),
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        2 => (at(), at()).prop_map(|(a, b)| Change::Swap(a, b)),
        1 => (at(), at()).prop_map(|(a, b)| Change::Repeat(a, b)),
        2 => prop::collection::vec(at(), 3).prop_map(Change::Order),
    ]
}

fn apply(mut line: Vec<u8>, change: &Change) -> Vec<u8> {
    if line.is_empty() {
        return line;
    }
    let length = line.len();
    match change {
        Change::Delete(at, count) => {
            let at = at.index(length);
            line.drain(at..(at + count).min(length));
        }
        Change::Insert(at, token) => {
            let at = at.index(length);
            line.splice(at..at, token.bytes());
        }
        Change::Byte(at, byte) => line[at.index(length)] = *byte,
        Change::Swap(a, b) => line.swap(a.index(length), b.index(length)),
        Change::Repeat(a, b) => {
            let (a, b) = (a.index(length), b.index(length));
            let piece = line[a.min(b)..a.max(b)].to_vec();
            line.splice(a..a, piece);
        }
        Change::Order(moves) => return reordered(line, moves),
    }
    line
}

/// Moves members of the event; what is no event stays as it is.
fn reordered(line: Vec<u8>, moves: &[Index]) -> Vec<u8> {
    let is_object =
        serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(&line).is_ok_and(|map| !map.is_empty());
    let Some(text) = std::str::from_utf8(&line).ok().filter(|_| is_object) else { return line };
    let mut members = Members::of(text);
    for at in moves {
        let member = members.0.remove(at.index(members.0.len()));
        members.0.insert(at.index(members.0.len() + 1) / 2, member);
    }
    members.json().into_bytes()
}

/// A sample of what a cluster writes, short lines and long.
static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let options = generate::Options { events: 2_000, attacks: Attack::ALL.to_vec(), ..generate::Options::default() };
    let mut text = Vec::new();
    generate::write_stream(&options, &mut text).unwrap();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && line.len() < 4_000);
    [FULL.as_bytes(), PLAIN.as_bytes()].into_iter().chain(lines.step_by(13)).map(<[u8]>::to_vec).collect()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_events_are_read_as_a_plain_reader_reads_them(
        changes in prop::collection::vec((any::<Index>(), prop::collection::vec(change(), 1..4)), 1..200)
    ) {
        let mut text = Vec::new();
        for (sample, changes) in changes {
            let line = SAMPLES[sample.index(SAMPLES.len())].clone();
            text.extend(changes.iter().fold(line, apply));
            text.push(b'\n');
        }
        judge(&mut parser(), &text).map_err(TestCaseError::fail)?;
    }
}

/// A token is made, and nothing of the answer may stay: its body is redacted as a whole.
const MINTED: &str = concat!(
    r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"ResponseComplete","#,
    r#""requestURI":"/api/v1/namespaces/shop/serviceaccounts/web/token","verb":"create","user":{"username":"alice"},"#,
    r#""sourceIPs":["198.51.100.4"],"userAgent":"curl/8","objectRef":{"resource":"serviceaccounts","namespace":"shop","#,
    r#""name":"web","apiVersion":"v1","subresource":"token"},"responseStatus":{"metadata":{},"code":201},"#,
    r#""requestObject":{"kind":"TokenRequest","spec":{"audiences":null}},"responseObject":{"kind":"TokenRequest","#,
    r#""status":{"token":"eyJhbGciOi.eyJpc3MiOi.c2ln"}},"requestReceivedTimestamp":"2026-01-15T10:00:00.000000Z","#,
    r#""stageTimestamp":"2026-01-15T10:00:00.000000Z"}"#,
);

#[test]
fn blanks_between_tokens_change_nothing() {
    let mut lines = Vec::new();
    for line in [FULL, PLAIN, MINTED] {
        for (at, _) in line.match_indices(['{', '}', '[', ']', ',', ':']) {
            for place in [at, at + 1] {
                lines.extend([" ", "\r", "\t"].map(|blank| format!("{}{blank}{}", &line[..place], &line[place..])));
            }
        }
    }
    assert_agrees(lines);
}

#[test]
fn conclusions_follow_from_resource_subresource_and_verb() {
    const RESOURCES: &[&str] = &[
        "secrets",
        "pods",
        "services",
        "nodes",
        "serviceaccounts",
        "clusterroles",
        "rolebindings",
        "certificatesigningrequests",
        "customresourcedefinitions",
        "apiservices",
        "deployments",
        "cronjobs",
        "selfsubjectaccessreviews",
        "events",
        "configmaps",
        "leases",
        "",
    ];
    const SUBRESOURCES: &[&str] =
        &["", "status", "scale", "exec", "attach", "proxy", "log", "token", "resize", "finalize", "approval"];
    const VERBS: &[&str] =
        &["get", "list", "watch", "create", "patch", "delete", "deletecollection", "proxy", "", "options", "post"];
    let mut lines = Vec::new();
    for resource in RESOURCES {
        for subresource in SUBRESOURCES {
            for verb in VERBS {
                let object = format!(r#"{{"resource":"{resource}","subresource":"{subresource}","apiVersion":"v1"}}"#);
                lines.push(with(&with(PLAIN, "", "objectRef", &object), "", "verb", &quoted(verb)));
            }
        }
    }
    assert_agrees(lines);
}

const ACTORS: &[&str] = &[
    "",
    "alice",
    "system:anonymous",
    "system:unauthenticated",
    "system:serviceaccount:a:b",
    "system:serviceaccount:a:b:c",
    "system:serviceaccount::b",
    "system:serviceaccount:a:",
    "system:serviceaccount:a",
    "system:node:n1",
    "system:node:",
    "system:apiserver",
    "system:kube-proxy",
    "system:kube-scheduler2",
    "SYSTEM:ANONYMOUS",
    "system:masters",
];
const URIS: &[&str] = &[
    "",
    "/",
    "/healthz",
    "/healthz/",
    "/healthz/etcd",
    "/healthzz",
    "/version",
    "/version/x",
    "/version/",
    "/readyz?verbose",
    "/livez//",
    "/api/v1/secrets?fieldSelector=metadata.name%3Ddb",
    "/x?fieldSelector=metadata.name=db,a=b",
    "/x?fieldSelector=a=b,metadata.name==db",
    "/x?fieldSelector=metadata.name=",
    "/x?fieldSelector=a&fieldSelector=metadata.name=db",
    "/x?%66ieldSelector=metadata.name=db",
    "/x?a?b=c",
    "/p/exec?command=sh&command=-c&command=cat+%2Fetc%2F%2570&container=c",
    "/n/proxy/run/a/p/c?cmd=id&command=x",
    "/n/proxy/run?cmd",
    "/p/exec?command=%",
    "/p/exec?command=%zz%4",
    "/p/exec?command=%ff%fe",
    "/p/exec?command",
    "/p/exec?command=a%26b%3Dc&&=",
    "/x?",
    "/p/exec?command=--token&command=hunter2",
    "/x?access_token=abcdef",
    "/x?a=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "/p/exec?command=\u{e9}%C3%A9",
    "/%2Fproxy%2F?cmd=id",
    "/a/proxy/b?cmd=+id+",
];
const ANSWERS: &[&str] = &[
    r#""responseStatus":{"code":200,"message":"Connection closed early"}"#,
    r#""responseStatus":{"code":403}"#,
    r#""responseStatus":{"code":500},"annotations":{"authorization.k8s.io/decision":"forbid"}"#,
    r#""responseStatus":{"code":0}"#,
    r#""responseStatus":{"code":404,"message":"Connection closed early"}"#,
    r#""annotations":{"authorization.k8s.io/decision":"FORBID"}"#,
];

#[test]
fn conclusions_follow_from_actor_uri_and_answer() {
    let mut lines = Vec::new();
    for uri in URIS {
        for actor in ACTORS {
            let user = format!("{{\"username\":{}}}", quoted(actor));
            let line = with(&with(PLAIN, "", "user", &user), "", "requestURI", &quoted(uri));
            lines.push(changed(&line, "", |members| members.0.retain(|(key, _)| key != "\"objectRef\"")));
            lines.push(with(&line, "", "impersonatedUser", &user));
        }
        for object in [
            r#"{"resource":"pods","subresource":"exec","name":"p"}"#,
            r#"{"resource":"secrets","name":""}"#,
            r#"{"resource":"nodes"}"#,
        ] {
            lines.push(with(&with(PLAIN, "", "objectRef", object), "", "requestURI", &quoted(uri)));
        }
    }
    lines.extend(ANSWERS.iter().map(|answer| format!("{},{answer}}}", PLAIN.strip_suffix('}').unwrap())));
    assert_agrees(lines);
}

#[test]
fn times_may_be_written_in_many_ways() {
    const TIMES: &[&str] = &[
        "2026-01-15T10:00:00.000000Z",
        "2026-01-15T10:00:00Z",
        "2026-01-15T10:00:00.1Z",
        "2026-01-15T10:00:00.1234567Z",
        "2026-01-15T10:00:00.123456789Z",
        "2026-01-15T10:00:00.123456+05:30",
        "2026-01-15T10:00:00.123456-00:00",
        "2026-01-15t10:00:00.123456z",
        "2026-01-15 10:00:00.123456Z",
        "2026-02-29T10:00:00.123456Z",
        "2024-02-29T10:00:00.123456Z",
        "2026-01-31T23:59:59.999999Z",
        "2026-01-15T24:00:00.000000Z",
        "2026-01-15T10:60:00.000000Z",
        "2026-12-31T23:59:60.000000Z",
        "2026-00-15T10:00:00.000000Z",
        "2026-13-15T10:00:00.000000Z",
        "2026-01-00T10:00:00.000000Z",
        "2026-01-32T10:00:00.000000Z",
        "1969-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2026-01-15T10:00:00.00000aZ",
        "2026-01-15T10:00:00.000000",
        " 2026-01-15T10:00:00Z",
        "2026-01-15T1０:00:00.000000Z",
        "2026-1-15T10:00:00.000000Z",
        "",
        "now",
        "2026-01-15T10:00:00.000000Z\\u0000",
        "2026-01-15T10\\u003a00:00.000000Z",
    ];
    let mut lines = Vec::new();
    for time in TIMES {
        let time = format!("\"{time}\"");
        for key in ["requestReceivedTimestamp", "stageTimestamp", "timestamp"] {
            lines.push(with(FULL, "", key, "\"%%\"").replace("\"%%\"", &time));
            lines.push(
                changed(FULL, "", |members| members.0.retain(|(name, _)| !name.ends_with("Timestamp\""))).replacen(
                    '{',
                    &format!("{{\"{key}\":{time},"),
                    1,
                ),
            );
        }
    }
    assert_agrees(lines);
}

#[test]
fn lists_and_other_kinds_are_told_apart() {
    const KINDS: &[&str] = &["Event", "EventList", "event", "Policy", "", "Event\\u0000", "Eve\\u006et"];
    const VERSIONS: &[&str] = &[
        "audit.k8s.io/v1",
        "audit.k8s.io/v1beta1",
        "audit.k8s.io/v1alpha1",
        "v1",
        "",
        "audit.k8s.io/",
        "audit.k8s.io",
    ];
    let bare = changed(PLAIN, "", |members| members.0.retain(|(key, _)| key != "\"kind\"" && key != "\"apiVersion\""));
    let list = |items: &str| {
        format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":{items}}}"#)
    };
    let mut lines = vec![bare.clone()];
    for kind in KINDS {
        for version in VERSIONS {
            let head = format!(r#"{{"kind":"{kind}","apiVersion":"{version}","#);
            let back = format!(r#","apiVersion":"{version}","kind":"{kind}"}}"#);
            lines.push(bare.replacen('{', &head, 1));
            lines.push(format!("{}{back}", bare.strip_suffix('}').unwrap()));
            lines.push(format!(r#"{{"items":[{bare}]{back}"#));
            lines.push(format!(r#"{{"kind":"{kind}","items":[{bare}],"items2":[]}}"#));
            lines.push(format!(r#"{{"apiVersion":"{version}","a":1}}"#));
        }
    }
    for items in
        ["[]", "[ ]", "null", "{}", "5", "[5]", "[null,[]]", "[{}]", r#"[{"auditID":"x"}]"#, r#"[{"a":1,"a":1}]"#]
    {
        lines.push(list(items));
    }
    lines.push(list(&format!("[{bare} , {FULL},\t{PLAIN}]")));
    lines.push(list(&format!("[{FULL},5,\"]\",{{\"items\":[{bare}]}},{}]", list(&format!("[{bare}]")))));
    assert_agrees(lines);
}

#[test]
fn a_last_line_without_its_end_counts_as_cut() {
    use kubesift::event::Reason;

    for cut in [FULL.len() - 1, FULL.len() / 2, 1] {
        let batch = super::parse(&mut parser(), format!("{PLAIN}\n{}", &FULL[..cut]).as_bytes());
        assert_eq!(batch.rows.num_rows(), 1, "{cut}");
        assert_eq!(batch.rejects[0].reason, Reason::TruncatedTail, "{cut}");
    }
    for line in [FULL, PLAIN] {
        assert_eq!(super::parse(&mut parser(), line.as_bytes()).rows.num_rows(), 1);
    }
}
