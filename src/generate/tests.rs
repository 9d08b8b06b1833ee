//! The generator as a whole: the same bytes for a seed, believable shares, labels that hold.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::*;
use cluster::HOUR;

fn generated(options: &Options) -> (Vec<u8>, Vec<Label>, Totals) {
    let (mut text, mut labels) = (Vec::new(), Vec::new());
    let totals = generate(
        options,
        &mut |line| {
            text.extend_from_slice(line);
            Ok(())
        },
        &mut |label| {
            labels.push(label.clone());
            Ok(())
        },
    )
    .unwrap();
    (text, labels, totals)
}

fn parsed(text: &[u8]) -> Vec<Value> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn day(events: u64) -> Options {
    Options { events, ..Options::default() }
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| generated(&day(9_000)))
    };
    let (one, labels, totals) = with(1);
    let (four, labels_four, _) = with(4);
    assert!(one == four);
    assert_eq!(labels, labels_four);
    assert_eq!(totals.bytes, one.len() as u64);
    let (other, ..) = generated(&Options { seed: 2, ..day(9_000) });
    assert!(one != other);
}

#[test]
fn the_number_of_events_is_met_exactly() {
    for events in [1_000, 4_999] {
        for span in [SECOND, HOUR, DAY] {
            let (text, _, totals) = generated(&Options { span, ..day(events) });
            assert_eq!(totals.events, events);
            assert_eq!(memchr::memchr_iter(b'\n', &text).count() as u64, events);
        }
    }
    let (text, labels, _) = generated(&Options { attacks: Vec::new(), ..day(100) });
    assert_eq!((parsed(&text).len(), labels.len()), (100, 0));
}

#[test]
fn attacks_alone_remain_where_fewer_events_are_asked_for() {
    let (_, labels, totals) = generated(&day(10));
    assert!(totals.events >= labels.len() as u64);
    assert!(labels.len() > 100, "{}", labels.len());
}

#[test]
fn a_span_that_cannot_be_is_refused() {
    for (start, span) in [(0, SECOND - 1), (-1, DAY), (0, i64::MAX), (i64::MAX, DAY)] {
        let options = Options { start, span, ..day(10) };
        let error = generate(&options, &mut |_| Ok(()), &mut |_| Ok(())).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
    }
}

#[test]
fn an_error_of_the_sink_ends_the_run() {
    let error = generate(&day(20_000), &mut |_| Err(Error::Limit("full".into())), &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "full");
}

#[test]
fn every_event_has_the_fields_of_its_kind_in_the_order_of_go() {
    let order = [
        "kind",
        "apiVersion",
        "level",
        "auditID",
        "stage",
        "requestURI",
        "verb",
        "user",
        "impersonatedUser",
        "sourceIPs",
        "userAgent",
        "objectRef",
        "responseStatus",
        "requestObject",
        "responseObject",
        "requestReceivedTimestamp",
        "stageTimestamp",
        "annotations",
    ];
    let (text, ..) = generated(&day(5_000));
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_slice(line).unwrap();
        for key in ["auditID", "requestURI", "verb", "stageTimestamp", "requestReceivedTimestamp"] {
            assert!(event[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {event}");
        }
        assert_eq!(event["kind"], "Event");
        assert!(event["sourceIPs"][0].as_str().is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_ok()), "{event}");
        assert!(event["stageTimestamp"].as_str() >= event["requestReceivedTimestamp"].as_str(), "{event}");
        let unknown = event["responseStatus"]["code"] == 401;
        assert_eq!(event["user"]["username"].is_null(), unknown, "{event}");
        assert_eq!(event["annotations"]["authorization.k8s.io/decision"].is_null(), unknown, "{event}");
        let keys: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(keys.iter().all(|key| order.contains(key)), "{keys:?}");
        let text = std::str::from_utf8(line).unwrap();
        let top = |key: &str| text.find(&format!("\"{key}\":"));
        let known = ["kind", "level", "auditID", "stage", "requestURI", "verb", "user", "sourceIPs", "userAgent"];
        let places: Vec<_> = known.iter().map(|key| top(key)).collect();
        assert!(places.is_sorted(), "{text}");
    }
}

#[test]
fn labelled_requests_are_in_the_log_and_every_attack_is() {
    let (text, labels, totals) = generated(&day(9_000));
    let events = parsed(&text);
    let ids: HashSet<_> = events.iter().filter_map(|event| event["auditID"].as_str()).collect();
    for label in &labels {
        assert!(ids.contains(label.audit_id.as_str()), "{label:?}");
    }
    let attacks: HashSet<_> = labels.iter().map(|label| label.attack).collect();
    assert_eq!(attacks.len(), Attack::ALL.len());
    assert_eq!(totals.labels, labels.len() as u64);
}

#[test]
fn only_the_attack_that_reuses_an_audit_id_has_two_requests_of_one_id() {
    let (text, labels, _) = generated(&day(9_000));
    let mut requests: HashMap<String, HashSet<String>> = HashMap::new();
    for event in parsed(&text) {
        let id = event["auditID"].as_str().unwrap().to_owned();
        requests.entry(id).or_default().insert(event["requestURI"].to_string());
    }
    let reused: Vec<_> = requests.iter().filter(|(_, uris)| uris.len() > 1).map(|(id, _)| id.as_str()).collect();
    let label = labels.iter().find(|label| label.attack == Attack::AuditIdReuse).unwrap();
    assert_eq!(reused, [label.audit_id.as_str()]);
}

#[test]
fn events_come_in_the_order_of_their_stages_but_for_milliseconds() {
    let (text, ..) = generated(&day(9_000));
    let time = |event: &Value| {
        chrono::DateTime::parse_from_rfc3339(event["stageTimestamp"].as_str().unwrap()).unwrap().timestamp_micros()
    };
    let times: Vec<_> = parsed(&text).iter().map(time).collect();
    let back: Vec<_> = times.windows(2).map(|pair| pair[0] - pair[1]).filter(|back| *back > 0).collect();
    assert!(back.iter().all(|back| *back <= 5_000), "{:?}", back.iter().max());
    let start = Options::default().start;
    assert!(times.iter().all(|at| (start..=start + DAY).contains(at)));
}

#[test]
fn the_proportions_are_those_of_a_healthy_cluster() {
    let (text, ..) = generated(&Options { attacks: Vec::new(), span: 4 * HOUR, ..day(20_000) });
    let events = parsed(&text);
    let share = |fits: &dyn Fn(&Value) -> bool| {
        events.iter().filter(|event| fits(event)).count() as f64 / events.len() as f64 * 100.0
    };
    let resource = |name: &'static str| share(&|event| event["objectRef"]["resource"] == name);
    let code = |code: u64| share(&|event| event["responseStatus"]["code"] == code);
    let between = |what: &str, low: f64, share: f64, high: f64| {
        assert!((low..high).contains(&share), "{what}: {share:.2} %, expected {low} to {high}");
    };
    between("secrets", 3.0, resource("secrets"), 9.0);
    between("leases", 20.0, resource("leases"), 45.0);
    between("403", 0.01, code(403), 1.0);
    between("404", 0.5, code(404), 5.0);
    between("409", 0.1, code(409), 1.5);
    between("watch", 6.0, share(&|event| event["verb"] == "watch"), 20.0);
    between("renewals", 0.1, share(&|event| event["objectRef"]["subresource"] == "token"), 2.5);
    between("bodies", 5.0, share(&|event| event["level"] == "RequestResponse"), 30.0);
    let mean = text.len() as f64 / events.len() as f64;
    between("bytes per event", 1_200.0, mean, 1_600.0);
}

#[test]
fn tokens_in_use_were_issued_before_unless_the_log_is_younger() {
    let (text, ..) = generated(&Options { attacks: Vec::new(), span: 4 * HOUR, ..day(20_000) });
    let key = "authentication.kubernetes.io/credential-id";
    let begun = "2026-01-15T03:00:00";
    let mut issued = HashSet::new();
    let mut checked = 0;
    for event in parsed(&text) {
        if let Some(token) = event["annotations"]["authentication.kubernetes.io/issued-credential-id"].as_str() {
            issued.insert(token.to_owned());
        }
        let pod = &event["user"]["extra"]["authentication.kubernetes.io/pod-name"][0];
        let received = event["requestReceivedTimestamp"].as_str().unwrap();
        if let (Some(token), true) = (event["user"]["extra"][key][0].as_str(), received > begun && pod.is_string()) {
            assert!(issued.contains(token), "{event}");
            checked += 1;
        }
    }
    assert!(checked > 1_000, "{checked}");
}
