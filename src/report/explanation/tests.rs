//! An explanation as people see it, and with a log that means harm.

use std::collections::BTreeMap;

use super::super::tests::{NOON, finding, hostile, steers};
use super::*;
use crate::detection::{Header, Level, Status};
use crate::finding::Severity;

/// A detection whose every text is `text`.
fn detection(text: &str) -> Detection {
    let all = || vec![text.to_owned()];
    Detection {
        id: "secret_sweep".to_owned(),
        path: "secret_sweep.sql".to_owned(),
        header: Header {
            title: text.to_owned(),
            status: Status::Test,
            severity: Severity::High,
            attack: vec!["TA0006/T1552.007".to_owned()],
            needs: Level::Metadata,
            resources: Vec::new(),
            describe: text.to_owned(),
            benign: all(),
            blind: all(),
            triage: all(),
            references: Vec::new(),
            params: BTreeMap::new(),
        },
        sql: format!("\n\nselect {text}\n"),
    }
}

fn request(text: &str) -> Request {
    let text = || Some(text.to_owned());
    Request {
        ts: NOON,
        audit_id: text(),
        actor: text(),
        username: text(),
        verb: text(),
        resource: text(),
        subresource: text(),
        namespace: text(),
        name: text(),
        request_uri: text(),
        code: None,
        outcome: text(),
        client_ip: text(),
        user_agent: text(),
        credential_id: text(),
        issued_credential_id: text(),
    }
}

fn explanation<'a>(finding: &'a Finding, detection: &'a Detection, requests: Vec<Request>) -> Explanation<'a> {
    let param = |name: &str, value| Param { name: name.to_owned(), value, default: 15 };
    Explanation {
        finding,
        detection: Some(detection),
        params: vec![param("secrets", 15), param("minutes", 10)],
        suppressed: None,
        total: requests.len() as u64 + 2,
        requests,
        unread: None,
        questions: vec![Question { ask: "Who else?".to_owned(), command: "kubesift sql \"select 1\"".to_owned() }],
    }
}

fn written(explanation: &Explanation<'_>, format: &str) -> String {
    let mut out = Vec::new();
    write(explanation, format, Some(100), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_page_says_what_was_found_why_and_what_to_ask() {
    let mut finding = finding("secret_sweep", Severity::High);
    finding.evidence = r#"{"secrets":43,"why":"network 203.0.113.0/24 never seen (52 %)"}"#.to_owned();
    let mut request = request("x");
    (request.actor, request.verb) = (Some(finding.actor.clone()), Some("get".to_owned()));
    (request.resource, request.subresource) = (Some("secrets".to_owned()), None);
    (request.namespace, request.name) = (Some("shop".to_owned()), Some("db".to_owned()));
    (request.code, request.client_ip) = (Some(200), Some("198.51.100.7".to_owned()));
    request.user_agent = Some("curl/8.5.0".to_owned());
    let detection = detection("It does.");
    insta::assert_snapshot!(written(&explanation(&finding, &detection, vec![request]), "text"), @r#"
    Secrets listed in every namespace
    high · secret_sweep · finding 9b2f00c1

      who       system:serviceaccount:shop:cart
      what      secrets in all namespaces
      when      2024-05-01 12:00:00 to 2024-05-01 12:01:00 UTC
      requests  3
      cluster   prod

    evidence
      why      network 203.0.113.0/24 never seen (52 %)
      secrets  43

    what it means
      It does.

    ATT&CK
      TA0006/T1552.007 Credential Access: Unsecured Credentials: Container API

    ask first
      It does.

    harmless when
      It does.

    cannot see
      It does.

    the first 1 of the 3 requests behind it
      time (UTC)               verb  what     object   answer  address       agent
      ─────────────────────────────────────────────────────────────────────────────────
      2024-05-01 12:00:00.000  get   secrets  shop/db     200  198.51.100.7  curl/8.5.0

    ask next
      Who else?
      kubesift sql "select 1"

    query
      $secrets = 15 (default)
      $minutes = 10 (changed; the default is 15)

      select It does.
    "#);
}

#[test]
fn no_text_of_a_log_steers_a_terminal_or_takes_more_lines() {
    let every_format = |text: &str| {
        let finding = Finding {
            title: text.to_owned(),
            actor: text.to_owned(),
            object: text.to_owned(),
            cluster: format!("x{text}"),
            evidence: serde_json::json!({ text: text, "why": text }).to_string(),
            ..finding("secret_sweep", Severity::High)
        };
        let detection = detection("tame");
        let explanation = Explanation {
            suppressed: Some(text.to_owned()),
            ..explanation(&finding, &detection, vec![request(text), request("tame")])
        };
        EXPLANATION_FORMATS.map(|format| written(&explanation, format))
    };
    let tame = every_format("tame").map(|text| text.lines().count());
    for text in hostile().iter().filter(|text| !text.is_empty()) {
        let written = every_format(text);
        assert!(written.iter().all(|text| steers(text).is_none()), "{text:.40?}");
        assert_eq!(written.map(|text| text.lines().count()), tame, "{text:.40?}");
    }
}

#[test]
fn what_is_missing_is_said() {
    let finding = finding("mine", Severity::Low);
    let detection = detection("x");
    let mut explanation = explanation(&finding, &detection, Vec::new());
    assert!(written(&explanation, "text").contains("none of the requests behind it is in the lake"));
    (explanation.detection, explanation.unread) = (None, Some("not finished after 300 s".to_owned()));
    let text = written(&explanation, "text");
    assert!(text.contains("not in this pack") && text.contains("not finished after 300 s"), "{text}");
    assert!(written(&explanation, "markdown").contains("not finished after 300 s"));
    assert!(written(&explanation, "json").contains("\"detection\":null"));
}
