//! Envelopes: what is inside comes out as the very event, and nothing else does.

use arrow::array::{Array, AsArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::event::{Batch, Parser, Place, Redactor};

const EVENT: &str = concat!(
    r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-1","stage":"ResponseComplete","#,
    r#""requestURI":"/api/v1/namespaces/shop/secrets/db","verb":"get","user":{"username":"alice@example.com","#,
    r#""groups":["dev"]},"sourceIPs":["198.51.100.4"],"userAgent":"kubectl/v1.33.4","objectRef":{"resource":"secrets","#,
    r#""namespace":"shop","name":"db","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"#,
    r#""requestReceivedTimestamp":"2026-01-15T10:00:00.000000Z","stageTimestamp":"2026-01-15T10:00:00.004000Z","#,
    r#""annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: \u003cby\u003e \"x\""}}"#,
);

fn read_of(text: &str, source: &str, only: Option<Envelope>) -> Batch {
    let mut parser = Parser::new("default", Redactor::new([1; 32]));
    parser.expect(only);
    let batch = parser.parse(text.as_bytes(), Place { source, lines_before: 0, offset: 0, cluster: None }).unwrap();
    let rest = batch.rejects.len() as u64 + batch.blanks + batch.not_audit;
    assert_eq!(batch.lines, batch.rows.num_rows() as u64 + rest, "the law: {text}");
    batch
}

fn read(text: &str) -> Batch {
    read_of(text, "audit.log", None)
}

fn cell(batch: &Batch, row: usize, column: &str) -> Option<String> {
    let array = batch.rows.column_by_name(column).unwrap().as_string::<i32>();
    array.is_valid(row).then(|| array.value(row).to_owned())
}

fn hash(batch: &Batch, row: usize) -> Vec<u8> {
    batch.rows.column_by_name("event_hash").unwrap().as_binary::<i32>().value(row).to_vec()
}

/// The text as a JSON string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn packed(text: &str) -> String {
    STANDARD.encode(text)
}

fn gzipped(text: &str) -> String {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

fn subscription(stream: &str, messages: &[&str]) -> String {
    let events: Vec<Value> = messages
        .iter()
        .map(|message| json!({"id": "1", "timestamp": 1_768_471_200_000_i64, "message": message}))
        .collect();
    json!({"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/aws/eks/blue/cluster",
        "logStream": stream, "subscriptionFilters": ["all"], "logEvents": events})
    .to_string()
}

fn aks(category: &str, log: &str) -> String {
    json!({"category": category, "operationName": "x", "properties": {"log": log, "stream": "stdout", "pod": "p"},
        "resourceId": "/SUBSCRIPTIONS/0/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/GREEN",
        "time": "2026-01-15T10:00:00Z"})
    .to_string()
}

const AUDIT: &str = "kube-apiserver-audit-0f";

/// Lines that wrap the event so that all of it is kept.
fn wrappers() -> Vec<Wrapping> {
    [of_clouds(), of_collectors(), of_text_and_others()].concat()
}

/// An envelope, the cluster that it names, and a line.
type Wrapping = (&'static str, &'static str, String);

fn of_clouds() -> Vec<Wrapping> {
    let (e, m) = (EVENT, quoted(EVENT));
    let insights = format!(
        r#"[{{"field":"@timestamp","value":"2026-01-15 10:00:00.000"}},{{"field":"@message","value":{m}}},{{"field":"@log","value":"111122223333:/aws/eks/blue/cluster"}}]"#
    );
    let filtered = format!(r#"{{"logStreamName":"{AUDIT}","timestamp":1768471200000,"message":{m},"eventId":"1"}}"#);
    vec![
        ("native", "default", e.to_owned()),
        ("event-list", "default", format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{e}]}}"#)),
        ("event-list", "default", format!(r#"{{"kind":"List","apiVersion":"v1","items":[ {e} ]}}"#)),
        ("eks-subscription", "blue", subscription(AUDIT, &[e])),
        ("kinesis", "default", json!({"awslogs": {"data": gzipped(e)}}).to_string()),
        ("eks-subscription", "blue", json!({"awslogs": {"data": gzipped(&subscription(AUDIT, &[e]))}}).to_string()),
        (
            "eks-subscription",
            "blue",
            json!({"Records": [{"kinesis": {"data": gzipped(&subscription(AUDIT, &[e]))}}]}).to_string(),
        ),
        ("eks-export", "default", format!("2026-01-15T10:00:00.004Z {e}")),
        ("eks-filter", "default", filtered.clone()),
        ("eks-filter", "default", format!(r#"{{"events":[{filtered}],"searchedLogStreams":[]}}"#)),
        ("eks-insights", "blue", insights.clone()),
        ("eks-insights", "blue", format!(r#"{{"results":[{insights}],"statistics":{{}},"status":"Complete"}}"#)),
        ("eks-tail", "default", format!("2026-01-15T10:00:00.004000+00:00 {AUDIT} {e}")),
        ("timestamped", "default", format!("2026-01-15T10:00:00 {e}")),
        ("timestamped", "default", format!("2026-01-15T10:00:00.004000001Z {e}")),
        ("aks-line", "green", aks("kube-audit", e)),
        ("aks-line", "green", aks("kube-audit-admin", &format!("{e}\n"))),
        ("aks-records", "green", format!(r#"{{"records":[{}]}}"#, aks("kube-audit", e))),
        ("aks-table", "default", json!({"Category": "kube-audit", "log_s": e, "TimeGenerated": "x"}).to_string()),
        ("openshift-node-logs", "default", format!("node-0.example.com {e}")),
        ("grep", "default", format!("/var/log/audit-2026.log:{e}")),
    ]
}

fn of_collectors() -> Vec<Wrapping> {
    let (e, m) = (EVENT, quoted(EVENT));
    let ended = quoted(&format!("{EVENT}\n"));
    vec![
        (
            "otlp",
            "d24a",
            format!(
                r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"openshift.cluster.uid","value":{{"stringValue":"d24a"}}}}]}},"scopeLogs":[{{"scope":{{}},"logRecords":[{{"timeUnixNano":"1768471200000000000","body":{{"stringValue":{m}}}}}]}}]}}]}}"#
            ),
        ),
        ("docker-json", "default", format!(r#"{{"log":{ended},"stream":"stdout","time":"2026-01-15T10:00:00.1Z"}}"#)),
        ("cri", "default", format!("2026-01-15T10:00:00.000000001Z stdout F {e}")),
        ("fluent-bit", "default", format!(r#"{{"date":1768471200.004,"log":{m}}}"#)),
        ("fluentd", "default", format!("2026-01-15T10:00:00+00:00\tkube.audit\t{e}")),
        ("fluentd", "default", format!("2026-01-15T10:00:00+00:00\tkube.audit\t{{\"message\":{m}}}")),
        (
            "vector",
            "default",
            format!(r#"{{"file":"a","message":{m},"source_type":"file","timestamp":"2026-01-15T10:00:00Z"}}"#),
        ),
        ("filebeat", "default", format!(r#"{{"@timestamp":"x","@metadata":{{}},"log":{{"offset":1}},"message":{m}}}"#)),
        ("logstash", "default", format!(r#"{{"@timestamp":"x","@version":"1","message":{m}}}"#)),
        ("elastic", "default", format!(r#"{{"_index":"a","_id":"b","_source":{{"message":{m},"agent":{{}}}}}}"#)),
        ("elastic", "default", format!(r#"{{"took":1,"hits":{{"hits":[{{"_id":"b","_source":{e}}}]}}}}"#)),
        ("loki", "default", format!(r#"["1768471200004000000",{m}]"#)),
        (
            "loki",
            "red",
            format!(
                r#"{{"status":"success","data":{{"resultType":"streams","result":[{{"stream":{{"cluster":"red"}},"values":[["1768471200004000000",{m}]]}}]}}}}"#
            ),
        ),
        ("loki", "default", format!(r#"{{"streams":[{{"stream":{{}},"values":[["1768471200004000000",{m}]]}}]}}"#)),
        ("logcli", "red", format!(r#"{{"labels":{{"cluster":"red"}},"line":{m},"timestamp":"2026-01-15T10:00:00Z"}}"#)),
        ("logcli", "default", format!(r#"2026-01-15T10:00:00Z {{job="a}}b", x="\""}} {e}"#)),
        ("splunk", "default", format!(r#"{{"time":1768471200,"host":"h","sourcetype":"x","event":{e}}}"#)),
        ("splunk", "default", format!(r#"{{"time":1768471200,"host":"h","sourcetype":"x","event":{m}}}"#)),
        ("splunk", "default", format!(r#"{{"preview":false,"result":{{"_raw":{m},"sourcetype":"x"}}}}"#)),
    ]
}

fn of_text_and_others() -> Vec<Wrapping> {
    let (e, m) = (EVENT, quoted(EVENT));
    vec![
        ("syslog", "default", format!("<133>1 2026-01-15T10:00:00.004Z node-0 audit - - - {e}")),
        ("syslog", "default", format!(r#"<133>1 2026-01-15T10:00:00.004Z node-0 audit 7 m [a@1 b="]\""][c@2] {e}"#)),
        ("syslog", "default", format!("<133>Jan  5 10:00:00 node-0 audit[12]: @cee: {e}")),
        ("syslog", "default", format!("Jan 15 10:00:00 node-0 audit: {e}")),
        ("syslog", "default", format!("2026-01-15T10:00:00.004000+00:00 node-0 audit: {e}")),
        ("gelf", "default", format!(r#"{{"version":"1.1","host":"h","short_message":"x","full_message":{m}}}"#)),
        ("journald", "default", format!(r#"{{"MESSAGE":{m},"__REALTIME_TIMESTAMP":"1768471200004000"}}"#)),
        (
            "pubsub",
            "default",
            json!({"message": {"data": packed(e), "messageId": "1"}, "subscription": "s"}).to_string(),
        ),
        (
            "pubsub",
            "default",
            json!({"receivedMessages": [{"ackId": "1", "message": {"data": packed(e)}}]}).to_string(),
        ),
        (
            "cloud-logging",
            "violet",
            format!(r#"{{"insertId":"1","jsonPayload":{e},"resource":{{"labels":{{"cluster_name":"Violet"}}}}}}"#),
        ),
        ("json-array", "default", format!("[{e}]")),
        ("json-message", "default", format!(r#"{{"who":"knows","payload":{m}}}"#)),
        // carriers around what says more
        ("aks-line", "green", format!("2026-01-15T10:00:00.1Z stdout F {}", aks("kube-audit", e))),
        ("eks-subscription", "blue", format!(r#"{{"_index":"a","_source":{}}}"#, subscription(AUDIT, &[e]))),
        ("cri", "default", format!("2026-01-15T10:00:00.1Z stdout F {{\"date\":1768471200.0,\"log\":{m}}}")),
    ]
}

#[test]
fn every_envelope_gives_the_very_event_that_it_wraps() {
    let native = read(EVENT);
    for (envelope, cluster, line) in wrappers() {
        let batch = read(&format!("{line}\n"));
        assert_eq!((batch.lines, batch.rows.num_rows()), (1, 1), "{envelope}: {:?}: {line}", batch.rejects);
        assert_eq!(cell(&batch, 0, "envelope").as_deref(), Some(envelope), "{line}");
        assert_eq!(cell(&batch, 0, "cluster").as_deref(), Some(cluster), "{line}");
        assert_eq!(cell(&batch, 0, "lost"), None, "{line}");
        assert_eq!(hash(&batch, 0), hash(&native, 0), "{envelope} gives another event: {line}");
        for field in native.rows.schema().fields() {
            if !["envelope", "cluster", "api_server"].contains(&field.name().as_str()) {
                let column = |batch: &Batch| batch.rows.column_by_name(field.name()).unwrap().clone();
                assert_eq!(&column(&batch), &column(&native), "{envelope}: {}", field.name());
            }
        }
    }
}

#[test]
fn one_file_may_mix_all_envelopes() {
    let all = wrappers();
    let text: String =
        all.iter().map(|(_, _, line)| format!("{line}\nI0115 10:00:00.000000       1 a.go:1] x\n")).collect();
    let batch = read(&text);
    assert_eq!((batch.rows.num_rows(), batch.not_audit), (all.len(), all.len() as u64), "{:?}", batch.rejects);
}

#[test]
fn every_name_is_an_envelope_and_wrapped_events_have_one() {
    for envelope in Envelope::ALL {
        assert_eq!(envelope.name().parse(), Ok(*envelope));
    }
    assert!("eks".parse::<Envelope>().is_err());
}

#[test]
fn an_envelope_that_was_named_is_the_only_one_read() {
    for (name, _, line) in wrappers() {
        let envelope = name.parse().unwrap();
        assert_eq!(read_of(&line, "a", Some(envelope)).rows.num_rows(), 1, "{line}");
        let other = if envelope == Envelope::Gke { Envelope::Cri } else { Envelope::Gke };
        let batch = read_of(&line, "a", Some(other));
        assert_eq!((batch.rows.num_rows(), batch.rejects.len(), batch.not_audit), (0, 1, 0), "{line}");
    }
}

#[test]
fn elements_of_a_list_that_was_split_are_still_of_its_envelope() {
    let parts = [(Envelope::EventList, EVENT.to_owned()), (Envelope::AksRecords, aks("kube-audit", EVENT))];
    for (list, element) in parts {
        assert_eq!(read_of(&element, "a", Some(list)).rows.num_rows(), 1, "{list}");
    }
}

#[test]
fn several_events_in_one_envelope_are_several_rows_of_one_line() {
    let others = [EVENT, &EVENT.replace("a-1", "a-2"), "", "{\"msg\":\"x\"}", "{\"auditID\":"];
    let batch = read(&subscription(AUDIT, &others));
    assert_eq!((batch.lines, batch.rows.num_rows(), batch.blanks), (5, 2, 1));
    let reasons: Vec<Reason> = batch.rejects.iter().map(|reject| reject.reason).collect();
    assert_eq!(reasons, [Reason::NotAuditEvent, Reason::BadJson], "an audit stream holds nothing else");
    assert_eq!(cell(&batch, 1, "audit_id").as_deref(), Some("a-2"));
}

#[test]
fn what_is_no_audit_log_is_counted_apart() {
    let klog = "I0115 10:00:00.123456       1 main.go:7] started";
    for line in [
        klog.to_owned(),
        subscription("authenticator-0f", &[EVENT]),
        subscription("kube-scheduler-0f", &[klog]),
        json!({"messageType": "CONTROL_MESSAGE", "logGroup": "", "logStream": "", "logEvents": [{"message": "CWL"}]})
            .to_string(),
        aks("kube-scheduler", EVENT),
        aks("guard", klog),
        format!("2026-01-15T10:00:00.1Z stderr F {klog}"),
        "2026-01-15T10:00:00.1Z stdout F {\"level\":\"info\",\"msg\":\"hi\"}".to_owned(),
        "2026-01-15T10:00:00.1Z stdout F plain words".to_owned(),
        "2026-01-15T10:00:00.1Z stdout F {half".to_owned(),
        "2026-01-15T10:00:00.004000+00:00 authenticator-0f time=x".to_owned(),
        format!("2026-01-15T10:00:00.004Z {klog}"),
        "Permission Check Successful".to_owned(),
        "time=\"2026-01-15T10:00:00Z\" level=info msg=\"x\"".to_owned(),
        "<13>1 2026-01-15T10:00:00Z h app - - - hello".to_owned(),
        "{\"log\":\"hello\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-15T10:00:00Z\"}".to_owned(),
        "{\"@timestamp\":\"x\",\"log_type\":\"application\",\"openshift\":{},\"message\":\"hello\"}".to_owned(),
        "{\"insertId\":\"1\",\"textPayload\":\"hello\",\"logName\":\"x\"}".to_owned(),
    ] {
        let batch = read(&format!("{line}\n"));
        assert_eq!((batch.lines, batch.not_audit), (1, 1), "{line}: {:?}", batch.rejects);
    }
}

#[test]
fn what_nobody_explains_is_rejected() {
    for line in [
        "{\"level\":\"info\",\"msg\":\"hi\"}".to_owned(),
        "words".to_owned(),
        format!("GET / {EVENT}"),
        format!("node 0 {EVENT}"),
        format!("NODE {EVENT}"),
        format!("a\"b:{EVENT}"),
        "node-0 {\"kind\":\"Event\",\"apiVersion\":\"v1\"}".to_owned(),
        "{\"message\":\"{\\\"a\\\":1}\"}".to_owned(),
        "[1,2]".to_owned(),
        "[]".to_owned(),
        format!("[{EVENT},1]"),
        format!("2026-01-15T10:00:00.1Z stdout F {}x", EVENT.replace("\"verb\"", "\"verb")),
    ] {
        let batch = read(&format!("{line}\n"));
        assert_eq!((batch.rows.num_rows(), batch.rejects.len(), batch.not_audit), (0, 1, 0), "{line}");
    }
}

#[test]
fn an_event_is_never_looked_into() {
    let quotes = [
        EVENT.to_owned(),
        subscription(AUDIT, &[EVENT]),
        aks("kube-audit", EVENT),
        format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{EVENT}]}}"#),
    ];
    for quote in &quotes {
        let agent = EVENT.replace("\"kubectl/v1.33.4\"", &quoted(quote));
        let body = EVENT.replace(
            "\"requestReceivedTimestamp\"",
            &format!("\"requestObject\":{quote},\"requestReceivedTimestamp\""),
        );
        let members =
            EVENT.replacen('{', "{\"messageType\":\"DATA_MESSAGE\",\"records\":[],\"log\":\"x\",\"message\":\"y\",", 1);
        for line in [agent, body, members] {
            let batch = read(&format!("{line}\n"));
            assert_eq!((batch.lines, batch.rows.num_rows()), (1, 1), "{line}");
            assert_eq!(cell(&batch, 0, "envelope").as_deref(), Some("native"));
            assert_eq!(cell(&batch, 0, "audit_id").as_deref(), Some("a-1"));
        }
    }
    // an event that is rejected is not looked into either
    let broken =
        EVENT.replace("2026-01-15T", "2026-01-45T").replacen('{', &format!("{{\"message\":{},", quoted(EVENT)), 1);
    assert_eq!(read(&broken).rows.num_rows(), 0);
    // nor is another object of Kubernetes, whose text anybody may have chosen
    let other = format!(r#"{{"kind":"Event","apiVersion":"v1","message":{},"reason":"x"}}"#, quoted(EVENT));
    assert_eq!((read(&other).rows.num_rows(), read(&other).rejects.len()), (0, 1));
}

#[test]
fn a_key_that_stands_twice_in_a_wrapper_is_refused() {
    let twice = [
        subscription(AUDIT, &[EVENT]).replace("\"message\":", "\"message\":\"{}\",\"message\":"),
        subscription(AUDIT, &[EVENT]).replace("\"logStream\":", "\"logStream\":\"authenticator-0f\",\"logStream\":"),
        aks("kube-audit", EVENT).replace("\"log\":", "\"log\":\"{}\",\"log\":"),
        aks("kube-audit", EVENT).replace("\"category\":", "\"category\":\"guard\",\"category\":"),
    ];
    for line in twice {
        let batch = read(&line);
        assert_eq!(batch.rejects[0].reason, Reason::DuplicateKey, "{line}");
        assert_eq!(batch.rows.num_rows(), 0);
    }
}

#[test]
fn texts_in_texts_end_somewhere() {
    let wrap = |text: &str| json!({"date": 1.0, "log": text}).to_string();
    let three = wrap(&wrap(&wrap(EVENT)));
    assert_eq!(read(&three).rows.num_rows(), 1);
    let four = read(&wrap(&three));
    assert_eq!((four.rows.num_rows(), four.rejects[0].reason), (0, Reason::TooDeep));
    let objects = (0..100).fold(EVENT.to_owned(), |text, _| format!("{{\"_id\":1,\"_source\":{text}}}"));
    assert_eq!(read(&objects).rejects[0].reason, Reason::TooDeep);
    let deep = format!("{{\"log\":{}1{},\"stream\":1,\"time\":1}}", "[".repeat(9_999), "]".repeat(9_999));
    assert_eq!(read(&deep).rejects[0].reason, Reason::TooDeep);
}

#[test]
fn what_is_packed_has_a_bound_for_the_whole_line() {
    let bomb = gzipped(&" ".repeat(15 << 20));
    let records: Vec<Value> = (0..8).map(|_| json!({"kinesis": {"data": bomb}})).collect();
    let batch = read(&json!({"Records": records}).to_string());
    assert_eq!((batch.blanks, batch.rejects.len()), (4, 4), "four fit into the bound");
    assert_eq!(batch.rejects[0].reason, Reason::TooLong);
    let batch = read(&json!({"Records": [{"kinesis": {"data": "%%%"}}]}).to_string());
    assert_eq!(batch.rejects.len(), 1);
}

#[test]
fn an_event_that_was_cut_off_keeps_its_whole_members() {
    let at = |mark: &str| EVENT.find(mark).unwrap();
    let cut = |end: usize| subscription(AUDIT, &[&format!("{}[Truncated...]", &EVENT[..end])]);
    let batch = read(&cut(at("\"annotations\"") + 30));
    assert_eq!(batch.rows.num_rows(), 1, "{:?}", batch.rejects);
    assert_eq!(cell(&batch, 0, "lost").as_deref(), Some("annotations"));
    assert_eq!(cell(&batch, 0, "flags").as_deref(), Some("cut"));
    let batch = read(&cut(at("\"responseStatus\"") + 20));
    let lost = "responseStatus,requestObject,responseObject,requestReceivedTimestamp,stageTimestamp,annotations";
    assert_eq!(cell(&batch, 0, "lost").as_deref(), Some(lost));
    assert_eq!(cell(&batch, 0, "name").as_deref(), Some("db"));
    let ts = batch.rows.column_by_name("ts").unwrap().as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
    assert_eq!(ts.value(0), 1_768_471_200_000_000, "the time is the envelope's");
    let batch = read(&cut(at("\"user\"") + 10));
    assert_eq!(batch.rejects[0].reason, Reason::TruncatedMessage);
    // a line of a file that was cut is no message that a carrier cut
    assert_eq!(read(&format!("{}\n", &EVENT[..at("\"annotations\"")])).rejects[0].reason, Reason::BadJson);
    assert_eq!(read(&format!("{}[Truncated...]\n", &EVENT[..at("\"annotations\"")])).rows.num_rows(), 1);
}

#[test]
fn what_an_envelope_does_not_keep_is_named() {
    let gke = json!({"insertId": "i-1", "logName": "projects/p/logs/cloudaudit.googleapis.com%2Fdata_access",
        "timestamp": "2026-01-15T10:00:00.123456Z", "labels": {"authorization.k8s.io/decision": "allow"},
        "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "Indigo", "location": "l", "project_id": "p"}},
        "operation": {"id": "i-1", "first": true, "last": true},
        "protoPayload": {"@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "k8s.io",
            "methodName": "io.k8s.core.v1.secrets.get", "resourceName": "core/v1/namespaces/shop/secrets/db",
            "authenticationInfo": {"principalEmail": "alice@example.com"}, "status": {"code": 0},
            "requestMetadata": {"callerIp": "198.51.100.4", "callerSuppliedUserAgent": "kubectl"}}});
    let batch = read(&json!({"message": {"data": packed(&gke.to_string())}, "subscription": "s"}).to_string());
    assert_eq!(batch.rows.num_rows(), 1, "{:?}", batch.rejects);
    let lost = cell(&batch, 0, "lost").unwrap();
    assert!(lost.contains("requestURI") && lost.contains("user.groups"), "{lost}");
    let cells =
        ["envelope", "cluster", "username", "name", "verb", "sensitivity"].map(|column| cell(&batch, 0, column));
    let expected = ["gke", "indigo", "alice@example.com", "db", "get", "secret"];
    assert_eq!(cells, expected.map(|text| Some(text.to_owned())));
}

#[test]
fn the_api_server_is_told_by_folder_or_record() {
    let server = |batch: &Batch| cell(batch, 0, "api_server");
    let folder = "must-gather/audit_logs/openshift-apiserver/node-0-audit.log";
    assert_eq!(server(&read_of(EVENT, folder, None)).as_deref(), Some("openshift-apiserver"));
    assert_eq!(server(&read_of(EVENT, "logs/my-oauth-server/audit.log", None)), None);
    let viaq = EVENT.replacen("\"level\":\"Metadata\"", "\"level\":\"default\",\"k8s_audit_level\":\"Metadata\"", 1);
    let viaq = viaq.replacen(
        '{',
        "{\"log_type\":\"audit\",\"log_source\":\"openshiftAPI\",\"openshift\":{\"cluster_id\":\"d24a\"},",
        1,
    );
    let batch = read(&viaq);
    assert_eq!(server(&batch).as_deref(), Some("openshift-apiserver"), "{:?}", batch.rejects);
    assert_eq!(cell(&batch, 0, "level").as_deref(), Some("Metadata"));
    assert_eq!(cell(&batch, 0, "cluster").as_deref(), Some("d24a"));
}

#[test]
fn names_of_clusters_are_made_safe_and_stay_apart() {
    let safe = |name: &str| safe_cluster(name).map(std::borrow::Cow::into_owned);
    assert_eq!(safe("prod-1").as_deref(), Some("prod-1"));
    assert_eq!(safe("KUBE").as_deref(), Some("kube"));
    assert_eq!(safe(""), None);
    let names: Vec<String> = ["a/b", "a b", "../..", "\u{1b}[2J", "é", &"x".repeat(64), &"x".repeat(65)]
        .iter()
        .map(|name| safe(name).unwrap())
        .collect();
    for name in &names {
        assert!(crate::schema::check_cluster(name).is_ok(), "{name}");
    }
    let apart: std::collections::HashSet<&String> = names.iter().collect();
    assert_eq!(apart.len(), names.len(), "{names:?}");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_and_balance(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",", "{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[", "]", "}", "{",
            "\"message\":\"{\\\"auditID\\\":", "2026-01-15T10:00:00.1Z ", "stdout F ", "<13>1 ", "[", "\\", "\"", ",", "\"log\":", "\"a\"",
            "\t", " ", "\n", "I0115 10:00:00.123456 ", "\u{e9}", "\"_source\":", "\"data\":\"e30=\"", "@cee:", "Jan 15 10:00:00 h a: ", "1",
        ]), 0..30)
    ) {
        let text = pieces.concat();
        read(&text);
    }
}
