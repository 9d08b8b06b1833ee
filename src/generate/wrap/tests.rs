//! What each wrapper writes, and that the events come out of it again.

use std::io::Read;

use serde_json::Value;

use super::*;
use crate::generate::{Attack, Options, generate};

/// Native lines, without their ends.
fn lines() -> Vec<String> {
    let options = Options { events: 130, attacks: vec![Attack::StolenToken], ..Options::default() };
    let mut lines = Vec::new();
    let sink = &mut |line: &[u8]| {
        lines.push(String::from_utf8(line.to_vec()).unwrap().trim_end().to_owned());
        Ok(())
    };
    generate(&options, sink, &mut |_| Ok(())).unwrap();
    lines
}

fn wrapped(wrapper: Wrapper, lines: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    wrap(wrapper, lines.iter().map(String::as_bytes), &mut out).unwrap();
    out
}

fn values(text: &[u8]) -> Vec<Value> {
    let values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
    values.collect::<Result<_, _>>().unwrap()
}

/// The texts at a place within each element of a list within each document.
fn texts(text: &[u8], list: &str, place: &str) -> Vec<String> {
    let documents = values(text);
    let elements = documents.iter().flat_map(|document| match document.pointer(list).unwrap() {
        Value::Array(elements) => elements.iter().collect(),
        single => vec![single],
    });
    elements.map(|element| element.pointer(place).unwrap().as_str().unwrap().trim_end().to_owned()).collect()
}

/// What stands before each event of a line.
fn prefixes<'a>(text: &'a [u8], lines: &[String]) -> Vec<&'a str> {
    let text = std::str::from_utf8(text).unwrap();
    assert_eq!(text.lines().count(), lines.len());
    text.lines().zip(lines).map(|(line, native)| line.strip_suffix(native.as_str()).unwrap()).collect()
}

#[test]
fn names_lead_to_their_wrappers() {
    for wrapper in Wrapper::ALL {
        assert_eq!(wrapper.name().parse(), Ok(*wrapper));
    }
    let names: std::collections::BTreeSet<_> = Wrapper::names().into_iter().collect();
    assert_eq!(names.len(), Wrapper::ALL.len());
    let error = "envelope".parse::<Wrapper>().unwrap_err();
    assert!(error.contains("envelope; use one of event-list, "), "{error}");
}

#[test]
fn the_native_line_is_in_every_wrapper_that_carries_it() {
    let lines = lines();
    for (wrapper, list, place) in [
        (Wrapper::EksSubscription, "/logEvents", "/message"),
        (Wrapper::EksFilter, "/events", "/message"),
        (Wrapper::EksInsights, "/results", "/1/value"),
        (Wrapper::AksRecords, "/records", "/properties/log"),
        (Wrapper::AksLine, "", "/properties/log"),
        (Wrapper::Otlp, "/resourceLogs/0/scopeLogs/0/logRecords", "/body/stringValue"),
        (Wrapper::Loki, "/data/result/0/values", "/1"),
        (Wrapper::DockerJson, "", "/log"),
        (Wrapper::FluentBit, "", "/log"),
        (Wrapper::Vector, "", "/message"),
        (Wrapper::Filebeat, "", "/message"),
        (Wrapper::Logcli, "", "/line"),
        (Wrapper::Gelf, "", "/full_message"),
    ] {
        assert!(texts(&wrapped(wrapper, &lines), list, place) == lines, "{wrapper}");
    }
    for (wrapper, prefix) in [
        (Wrapper::EksExport, "2026-01-15T00:00:00.504Z "),
        (Wrapper::EksTail, "2026-01-15T00:00:00.504754+00:00 kube-apiserver-audit-0f1e2d3c4b5a69788796a5b4c3d2e1f0 "),
        (Wrapper::OpenshiftNodeLogs, "master-0.example.com "),
        (Wrapper::Cri, "2026-01-15T00:00:00.504754000Z stdout F "),
        (Wrapper::Fluentd, "2026-01-15T00:00:00+00:00\tkube-apiserver-audit\t"),
        (Wrapper::Syslog, "<133>1 2026-01-15T00:00:00.504754Z master-0 k8s-audit - - - "),
    ] {
        let mut lines = lines.clone();
        let first = lines[0].split("\"stageTimestamp\":\"").nth(1).unwrap()[..27].to_owned();
        lines[0] = lines[0].replace(&first, "2026-01-15T00:00:00.504754Z");
        assert_eq!(prefixes(&wrapped(wrapper, &lines), &lines)[0], prefix, "{wrapper}");
    }
}

#[test]
fn batches_hold_all_events_in_as_many_documents_as_they_need() {
    let lines = lines();
    assert_eq!(lines.len(), 130);
    for (wrapper, list, documents) in [
        (Wrapper::EventList, "items", 1),
        (Wrapper::GoNames, "Items", 4),
        (Wrapper::EksSubscription, "logEvents", 3),
        (Wrapper::AksRecords, "records", 2),
        (Wrapper::EksFilter, "events", 1),
    ] {
        let found = values(&wrapped(wrapper, &lines));
        assert_eq!(found.len(), documents, "{wrapper}");
        let events: usize = found.iter().map(|document| document[list].as_array().unwrap().len()).sum();
        assert_eq!(events, lines.len(), "{wrapper}");
    }
    assert_eq!(wrapped(Wrapper::EksFilter, &[]), b"");
}

#[test]
fn firehose_leaves_gzip_members_of_documents_without_line_ends() {
    let lines = lines();
    let packed = wrapped(Wrapper::EksFirehose, &lines);
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(&packed[..]).read_to_end(&mut text).unwrap();
    assert!(!text.contains(&b'\n'));
    let documents = values(&text);
    let kinds: Vec<_> = documents.iter().map(|document| document["messageType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["CONTROL_MESSAGE", "DATA_MESSAGE", "DATA_MESSAGE", "DATA_MESSAGE"]);
    let mut one = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut one).unwrap();
    assert_eq!(values(&one).len(), 1);
}

#[test]
fn long_lines_are_cut_where_container_runtimes_cut_them() {
    let body = "é".repeat(20_000);
    let line = format!(
        r#"{{"stage":"Panic","stageTimestamp":"2026-01-15T00:00:00.000001Z","requestObject":{{"x":"{body}"}}}}"#
    );
    let lines = [line.clone()];
    let cri = String::from_utf8(wrapped(Wrapper::Cri, &lines)).unwrap();
    let pieces: Vec<(&str, &str)> = cri.lines().map(|line| line[38..].split_once(' ').unwrap()).collect();
    assert_eq!(pieces.iter().map(|(tag, _)| *tag).collect::<String>(), "PPF");
    assert!(pieces.iter().map(|(_, text)| *text).collect::<String>() == line);
    assert!((16_383..=16_384).contains(&pieces[0].1.len()));
    let docker = wrapped(Wrapper::DockerJson, &lines);
    let texts: Vec<String> = values(&docker).iter().map(|record| record["log"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts.iter().map(|text| text.ends_with('\n')).collect::<Vec<_>>(), [false, false, true]);
    assert!(texts.concat() == line + "\n");
}

const EVENT: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"a-1","stage":"ResponseComplete","requestURI":"/apis/rbac.authorization.k8s.io/v1/namespaces/web/roles/r?x=1","verb":"update","user":{"username":"ada","uid":"u","groups":["ops"]},"impersonatedUser":{"username":"root"},"sourceIPs":["198.51.100.2","203.0.113.7"],"userAgent":"curl","objectRef":{"resource":"roles","namespace":"web","name":"r","apiGroup":"rbac.authorization.k8s.io","apiVersion":"v1"},"responseStatus":{"metadata":{},"message":"no","code":409},"requestObject":{"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1"},"requestReceivedTimestamp":"2026-01-15T08:30:00.000001Z","stageTimestamp":"2026-01-15T08:30:00.250000Z","annotations":{"authorization.k8s.io/decision":"allow"}}"#;

fn one(wrapper: Wrapper) -> String {
    String::from_utf8(wrapped(wrapper, &[EVENT.to_owned()])).unwrap()
}

#[test]
fn gke_drops_what_an_entry_has_no_place_for() {
    let expected = concat!(
        r#"{"insertId":"0000000000000000","labels":{"authorization.k8s.io/decision":"allow"},"#,
        r#""logName":"projects/example-project/logs/cloudaudit.googleapis.com%2Factivity","#,
        r#""operation":{"first":true,"id":"a-1","last":true,"producer":"k8s.io"},"protoPayload":{"#,
        r#""@type":"type.googleapis.com/google.cloud.audit.AuditLog","#,
        r#""authenticationInfo":{"authoritySelector":"root","principalEmail":"ada"},"#,
        r#""authorizationInfo":[{"granted":true,"permission":"io.k8s.authorization.rbac.v1.roles.update","#,
        r#""resource":"rbac.authorization.k8s.io/v1/namespaces/web/roles/r"}],"#,
        r#""methodName":"io.k8s.authorization.rbac.v1.roles.update","#,
        r#""request":{"@type":"rbac.authorization.k8s.io/v1.Role","apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role"},"#,
        r#""requestMetadata":{"callerIp":"203.0.113.7","callerSuppliedUserAgent":"curl"},"#,
        r#""resourceName":"rbac.authorization.k8s.io/v1/namespaces/web/roles/r","serviceName":"k8s.io","#,
        r#""status":{"code":10,"message":"no"}},"receiveTimestamp":"2026-01-15T08:30:00.250000000Z","#,
        r#""resource":{"labels":{"cluster_name":"example","location":"europe-west1","project_id":"example-project"},"#,
        r#""type":"k8s_cluster"},"timestamp":"2026-01-15T08:30:00.000001Z"}"#,
        "\n"
    );
    assert_eq!(one(Wrapper::Gke), expected);
    let message = values(one(Wrapper::Pubsub).as_bytes());
    let data = message[0]["message"]["data"].as_str().unwrap();
    let entry = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap();
    assert_eq!(String::from_utf8(entry).unwrap() + "\n", expected);
}

#[test]
fn records_in_other_words_say_what_they_can() {
    let ocsf = &values(one(Wrapper::Ocsf).as_bytes())[0];
    assert_eq!((&ocsf["class_uid"], &ocsf["api"]["operation"]), (&6003.into(), &"update".into()));
    assert_eq!(ocsf["http_request"]["url"]["path"], "/apis/rbac.authorization.k8s.io/v1/namespaces/web/roles/r");
    assert_eq!(ocsf["resources"][0]["type"], "roles");
    assert!(!ocsf.to_string().contains("decision"), "{ocsf}");
    let expected = concat!(
        r#"2026-01-15T08:30:00.000001Z AUDIT: id="a-1" stage="ResponseComplete" ip="198.51.100.2" method="update" "#,
        r#"user="ada" groups="\"ops\"" as="root" asgroups="<lookup>" user-agent="curl" namespace="web" "#,
        r#"uri="/apis/rbac.authorization.k8s.io/v1/namespaces/web/roles/r?x=1" response="409""#,
        "\n"
    );
    assert_eq!(one(Wrapper::Legacy), expected);
    let elastic = &values(one(Wrapper::Elastic).as_bytes())[0]["_source"]["kubernetes"]["audit"];
    assert_eq!(elastic["annotations"]["authorization_k8s_io/decision"], "allow");
    let viaq = &values(one(Wrapper::OpenshiftViaq).as_bytes())[0];
    assert_eq!((&viaq["level"], &viaq["k8s_audit_level"]), (&"default".into(), &"Request".into()));
    let table = &values(one(Wrapper::AksTable).as_bytes())[0];
    assert_eq!((&table["AuditId"], &table["ObjectRef"]["name"]), (&"a-1".into(), &"r".into()));
    let row = &values(one(Wrapper::AckSls).as_bytes())[0];
    assert!(row.as_object().unwrap().values().all(Value::is_string), "{row}");
    let item = &values(one(Wrapper::GoNames).as_bytes())[0]["Items"][0];
    assert_eq!((&item["AuditID"], &item["ResponseObject"]), (&"a-1".into(), &Value::Null));
    assert_eq!(
        (&item["ObjectRef"]["APIGroup"], &item["User"]["Extra"]),
        (&"rbac.authorization.k8s.io".into(), &Value::Null)
    );
    let trail = &values(one(Wrapper::Yandex).as_bytes())[0];
    assert_eq!(trail["event_type"], "yandex.cloud.audit.k8s.apiserver.ApiServerUpdate");
    assert_eq!(trail["details"]["native_api_server_event"]["auditID"], "a-1");
}

#[test]
fn a_line_that_is_no_event_is_refused_by_every_wrapper() {
    for wrapper in Wrapper::ALL {
        for line in [&b""[..], b"{", b"[]", b"{}", b"\xff", b"{\"stageTimestamp\":\"now\"}"] {
            let error = wrap(*wrapper, std::iter::once(line), &mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{wrapper}");
        }
        assert!(!wrapped(*wrapper, &[EVENT.to_owned() + "\n"]).is_empty(), "{wrapper}");
    }
}
