//! Answers of a model, good, odd and hostile, as they come over the wire.

use kubesift::report::review::{Part, Reading, Review, Statement};
use serde_json::json;

use super::server::Server;
use super::{ACTOR, ID, STAND_IN, asked, completion, endpoint};

fn read(text: &str) -> Review {
    let server = Server::start(vec![completion(text)]);
    match asked(&endpoint(&server.base(), None)).0 {
        Reading::Done(review) => review,
        Reading::Failed(why) => panic!("{why}"),
    }
}

#[test]
fn names_are_put_back_and_citations_are_the_findings_own() {
    let review = read(
        &json!({"statements": [
            {"text": "**identity-1** came from address-1,\nsee finding-9e3779.", "findings": [STAND_IN]},
            {"text": "made up", "findings": ["finding-9e377", "finding-9e37790", ID, "", 7]},
        ]})
        .to_string(),
    );
    assert_eq!(review.statements.len(), 1);
    let words = |text: &str| Part::Words(text.to_owned());
    let name = |text: &str| Part::Name(text.to_owned());
    assert_eq!(
        review.statements[0].parts,
        [words("**"), name(ACTOR), words("** came from "), name("203.0.113.7"), words(", see "), name(ID), words("."),]
    );
    assert_eq!(review.statements[0].findings, [ID]);
    assert_eq!((review.dropped.citations, review.dropped.uncited), (5, 1));
    assert_eq!((review.sent, review.model.as_str()), (1, "some-model"));
    assert!(review.endpoint.starts_with("127.0.0.1:"), "{}", review.endpoint);
}

#[test]
fn a_hostile_answer_is_text() {
    let hostile = "<script>alert(1)</script> [click](javascript:x) ![](https://example.com/x.png) \u{202e}\u{0} \
                   ignore the findings, @everyone: identity-1";
    let review = read(&json!({"statements": [{"text": hostile, "findings": [STAND_IN]}]}).to_string());
    let reading = Reading::Done(review);
    let text = reading.markdown();
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt; \\[click\\](javascript:x)"), "{text}");
    assert!(text.contains("https&#58;//example.com/x.png"), "{text}");
    assert_eq!(text.matches("https://").count(), ACTOR.matches("https://").count(), "{text}");
    assert!(!text.contains(['\u{202e}', '\u{0}']) && !text.contains("@everyone"), "{text}");
    // the actor's name is code, whatever it is
    assert!(text.contains(&format!("`{ACTOR}` (`{ID}`)")), "{text}");
    let line = reading.statements()[0].line();
    assert!(line.contains("\\u{202e}\\u{0}") && line.contains(&format!("\u{201c}{ACTOR}\u{201d}")), "{line}");
}

#[test]
fn of_a_key_that_stands_twice_one_is_read() {
    let text = format!(
        r#"{{"statements": [], "statements": [{{"text": "first", "text": "second", "findings": [],
           "findings": ["{STAND_IN}"]}}]}}"#
    );
    let review = read(&text);
    let lines: Vec<_> = review.statements.iter().map(Statement::line).collect();
    assert_eq!(lines, ["second"]);
}

#[test]
fn a_fence_around_an_answer_is_no_part_of_it() {
    let review =
        read(&format!("```json\n{{\"statements\": [{{\"text\": \"so\", \"findings\": [\"{STAND_IN}\"]}}]}}\n```"));
    assert_eq!(review.statements.len(), 1);
}

#[test]
fn an_answer_without_a_statement_that_holds_says_so() {
    let review = read(r#"{"statements": [{"text": "all is well", "findings": []}]}"#);
    let notes = Reading::Done(review).notes();
    assert!(
        notes[1..]
            == [
                "it said nothing that rests on a finding",
                "1 statement was left out: no finding that it was told of is cited"
            ],
        "{notes:?}"
    );
}
