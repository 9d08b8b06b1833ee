//! A report as it is handed over, and with a log that means harm.

use serde_json::{Value, json};

use super::super::dossier::{Origin, Reader, Rights, Rotate, Rotation, Subject, Token};
use super::super::explanation::Question;
use super::super::review::{Part, Review, Statement};
use super::super::tests::{NOON, Sample, finding, hostile, steers, tags};
use super::*;
use crate::finding::{Finding, Request};

fn secret(text: &str) -> Rotation {
    let own = || text.to_owned();
    let reader = Reader {
        actor: own(),
        username: Some(own()),
        how: vec!["read".to_owned(), own()],
        addresses: vec![own()],
        requests: 3,
        first_seen: NOON,
        last_seen: NOON + 1,
    };
    Rotation {
        risk: 85,
        cluster: own(),
        namespace: own(),
        name: own(),
        kind: Some(own()),
        keys: vec![own()],
        readers: vec![reader],
        first_seen: NOON,
        last_seen: NOON + 1,
        why: vec![own()],
        workloads: vec![own()],
        certain: true,
        gone: None,
    }
}

fn token(text: &str) -> Token {
    let own = || text.to_owned();
    Token {
        kind: "token",
        cluster: own(),
        id: own(),
        owner: own(),
        why: "used",
        from: Some(own()),
        addresses: vec![own()],
        requests: 1,
        first_seen: NOON,
        last_seen: NOON,
    }
}

/// A dossier whose every text is `text`, as the questions of a lake answer it.
fn dossier(text: &str) -> Dossier {
    fn row<T: serde::de::DeserializeOwned>(text: &str, names: &[&str], numbers: &Value) -> Vec<T> {
        let mut row = numbers.clone();
        names.iter().for_each(|name| row[name] = text.into());
        vec![serde_json::from_value(row).unwrap()]
    }
    let who = ["cluster", "actor", "username", "client_ip", "user_agent", "credential_id"];
    let on = |more: &[&'static str]| [&who[..], more].concat();
    let own = || text.to_owned();
    let rights = Rights {
        actor: own(),
        at: NOON,
        grants: Vec::new(),
        unexplained: 1,
        reasons: vec![own()],
        yaml: format!("# {}\n", text.replace('\n', " ")),
        diff: String::new(),
        warnings: vec![own()],
    };
    Dossier {
        subject: Subject {
            actors: vec![own()],
            origins: vec![Origin { cluster: own(), actor: own(), address: Some(own()) }],
            ..Subject::default()
        },
        accesses: row(
            text,
            &on(&["namespace", "name", "verb", "through", "pod_name"]),
            &json!({"how": "read", "requests": 1}),
        ),
        rotate: Rotate { secrets: vec![secret(text)], tokens: vec![token(text)], notes: vec![own()] },
        entries: row(text, &on(&["pod", "kind", "container", "command", "secrets"]), &json!({"by_subject": true})),
        presences: row(text, &on(&[]), &json!({"requests": 7, "first_seen": NOON, "last_seen": NOON + 1})),
        rights: vec![rights],
        steps: row(text, &on(&["kind", "verb", "resource", "name", "command"]), &json!({"requests": 1, "names": 1})),
        hours: row(text, &["cluster"], &json!({"hour": NOON, "events": 9, "own": 7, "denied": 1, "secrets": 3})),
        notes: vec![own()],
        ..Dossier::default()
    }
}

fn explanation<'a>(finding: &'a Finding, text: &str) -> Explanation<'a> {
    let some = || Some(text.to_owned());
    let request = Request { actor: some(), verb: some(), name: some(), user_agent: some(), ..Request::default() };
    Explanation {
        finding,
        detection: None,
        params: Vec::new(),
        suppressed: None,
        requests: vec![request],
        total: 5,
        unread: None,
        questions: vec![Question { ask: "Who else?".to_owned(), command: "kubesift sql \"select 1\"".to_owned() }],
    }
}

fn answer<'a>(sample: &'a Sample, text: &str) -> Answer<'a> {
    Answer {
        report: sample.report(),
        least: Severity::Medium,
        explanations: sample.findings.iter().take(1).map(|finding| explanation(finding, text)).collect(),
        dossier: Some(dossier(text)),
        review: Some(Reading::Done(Review {
            model: text.to_owned(),
            endpoint: text.to_owned(),
            statements: vec![Statement {
                parts: vec![Part::Words(text.to_owned()), Part::Name(text.to_owned())],
                findings: vec![text.to_owned()],
            }],
            sent: 1,
            ..Review::default()
        })),
        commands: vec!["kubesift report --lake lake".to_owned()],
    }
}

fn written(answer: &Answer<'_>, format: &str) -> String {
    let mut out = Vec::new();
    write(answer, format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn nothing_that_a_log_says_becomes_markup_or_steers() {
    let shape = |page: &str| {
        tags(page)
            .map(|tag| tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let tame = shape(&written(&answer(&Sample::hostile("tame"), "tame"), "html"));
    for text in hostile().into_iter().filter(|text| !text.is_empty()) {
        let sample = Sample::hostile(&text);
        for format in ANSWER_FORMATS {
            let written = written(&answer(&sample, &text), format);
            assert_eq!(steers(&written), None, "{format}: {text:.40?}");
        }
        let page = written(&answer(&sample, &text), "html");
        // a picture leaves out what has no name to show
        assert!(shape(&page).len() <= tame.len() + 4, "{text:.40?}");
        for tag in tags(&page) {
            let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
            assert!(!["script", "iframe", "img", "link", "object", "embed", "form", "base"].contains(&name), "{tag}");
            assert!(!tag.contains(" on") && !tag.contains("javascript"), "{tag}");
        }
        let document: Value = serde_json::from_str(&written(&answer(&sample, &text), "json")).unwrap();
        assert_eq!(document["dossier"]["secrets"][0]["name"], text.as_str());
        assert_eq!(document["report"]["findings"][0]["actor"], text.as_str());
        assert_eq!(document["explanations"][0]["requests"][0]["actor"], text.as_str());
    }
}

#[test]
fn the_verdict_says_what_it_cost_and_what_to_do_first() {
    let sample = Sample::new(vec![finding("secret_sweep", Severity::High), finding("pod_exec", Severity::Low)]);
    let mut answer = answer(&sample, "eve");
    assert_eq!(verdict::title(&answer), "1 secret to rotate: 1 finding about 1 identity");
    let lines = verdict::lines(&answer).join("\n");
    for part in [
        "1 finding is worth a look today, by system:serviceaccount:shop:cart;",
        "1 secret came into its hands (1 read by name)",
        "First: rotate eve/eve, then revoke 1 credential.",
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    for format in ["html", "markdown"] {
        let text = written(&answer, format);
        for part in [
            "1 secret to rotate",
            "kubesift report --lake lake",
            "Credential Access",
            "audit-2024-05-01.log.gz",
            "Who else?",
        ] {
            assert!(text.contains(part), "{format}: {part}");
        }
    }
    answer.dossier = None;
    assert_eq!(verdict::title(&answer), "1 finding about 1 identity; no secret came into their hands");
    answer.least = Severity::Critical;
    assert_eq!(verdict::title(&answer), "No finding of severity critical or more");
    assert!(verdict::lines(&answer)[0].contains("nothing of severity critical or more"));
    let mut nothing = Sample::new(vec![]);
    nothing.outcomes.clear();
    let silent = Answer { report: nothing.report(), explanations: Vec::new(), ..answer };
    assert_eq!(verdict::title(&silent), "Nothing was looked for: no detection ran");
}
