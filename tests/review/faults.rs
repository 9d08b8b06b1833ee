//! Endpoints that fail in every way: each is told in one sentence, without the key, and none ends the run.

use std::net::TcpListener;
use std::time::Duration;

use kubesift::review::Endpoint;

use super::server::{Reply, Server};
use super::{KEY, answer, asked, completion, endpoint, failed, one_statement};

const JSON: &str = "content-type: application/json\r\n";

/// What is said of one reply, with the server's address as `HOST`.
fn said_of(reply: Reply) -> String {
    let server = Server::start(vec![reply]);
    let why = failed(&endpoint(&server.base(), Some(KEY)));
    assert!(!why.contains(KEY), "{why}");
    why.replace(&server.address.to_string(), "HOST")
}

#[test]
fn each_status_is_told_with_what_to_do() {
    let error = |message: &str| format!(r#"{{"error": {{"message": "{message}", "type": "x"}}}}"#);
    let cases = [
        (
            answer("401 Unauthorized", JSON, &error(KEY)),
            "HOST answered 401: it wants another key; set KUBESIFT_REVIEW_KEY",
        ),
        (answer("403 Forbidden", JSON, "{}"), "HOST answered 403: it wants another key; set KUBESIFT_REVIEW_KEY"),
        (answer("404 Not Found", JSON, &error("no model \\u202e")), "HOST answered 404: no model \\u{202e}"),
        (answer("400 Bad Request", JSON, &error(&format!("key {KEY}!"))), "HOST answered 400: key (the key)!"),
        (answer("400 Bad Request", JSON, r#"{"error": "too long"}"#), "HOST answered 400: too long"),
        (answer("500 Internal Server Error", "content-type: text/html\r\n", "<h1>x</h1>"), "HOST answered 500"),
        (answer("500 Internal Server Error", JSON, &"[".repeat(50_000)), "HOST answered 500"),
    ];
    for (reply, said) in cases {
        assert_eq!(said_of(reply), said);
    }
    let long = said_of(answer("400 Bad Request", JSON, &error(&"x".repeat(9_000))));
    assert!(long.len() < 300, "{long}");
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Server::start(vec![one_statement()]);
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let said = said_of(answer(status, &format!("location: {}/chat/completions\r\n", other.base()), ""));
        assert!(said.starts_with("HOST answered 30") && said.contains("a redirect, which is not followed"), "{said}");
    }
    assert!(other.requests().is_empty());
}

#[test]
fn a_busy_endpoint_is_asked_once_more_after_what_it_asks_for() {
    for (head, waited) in [("retry-after: 3\r\n", 3), ("", 2), ("retry-after: Fri, 20 Nov 2026 08:00:00 GMT\r\n", 2)] {
        for status in ["429 Too Many Requests", "503 Service Unavailable"] {
            let server = Server::start(vec![answer(status, head, ""), one_statement()]);
            let (reading, waits) = asked(&endpoint(&server.base(), Some(KEY)));
            assert_eq!((reading.statements().len(), waits), (1, vec![waited]));
            let requests = server.requests();
            assert_eq!(requests.len(), 2);
            assert_eq!(requests[0].body, requests[1].body);
        }
    }
}

#[test]
fn an_endpoint_that_stays_busy_is_left_alone() {
    let busy = || answer("429 Too Many Requests", "retry-after: 1\r\n", "");
    let server = Server::start(vec![busy(), busy(), one_statement()]);
    let (reading, waits) = asked(&endpoint(&server.base(), None));
    assert!(reading.notes()[0].contains("answered 429 twice"), "{reading:?}");
    assert_eq!((waits, server.requests().len()), (vec![1], 2));

    let server = Server::start(vec![answer("503 Busy", "retry-after: 3600\r\n", ""), one_statement()]);
    let (reading, waits) = asked(&endpoint(&server.base(), None));
    assert!(reading.notes()[0].contains("asks to wait 3600 seconds, more than 20"), "{reading:?}");
    assert_eq!((waits, server.requests().len()), (Vec::new(), 1));
}

#[test]
fn an_endpoint_that_says_nothing_more_is_given_up() {
    for start in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{",
    ] {
        let server = Server::start(vec![Reply::Silence(start)]);
        let endpoint = Endpoint::new(&server.base(), "some-model", Duration::from_millis(300), None).unwrap();
        let why = failed(&endpoint);
        assert!(why.contains("did not answer within 0 seconds; raise review.timeout_seconds"), "{why}");
    }
}

#[test]
fn a_broken_connection_is_told() {
    for bytes in [
        "",
        "\r\n",
        "no HTTP at all\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"choices\"",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    ] {
        let said = said_of(Reply::Bytes(bytes.into()));
        assert!(said.starts_with("the connection to HOST broke: "), "{bytes:?}: {said}");
    }
    let said = said_of(Reply::Bytes(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(2 << 20)).into()));
    assert!(said.starts_with("the connection to HOST broke: "), "{said}");
}

#[test]
fn nobody_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let why = failed(&endpoint(&format!("http://{address}/v1"), Some(KEY)));
    assert!(why.starts_with(&format!("cannot connect to {address}: ")) && !why.contains(KEY), "{why}");
}

#[test]
fn an_endpoint_that_speaks_no_tls_is_told() {
    let server = Server::start(vec![Reply::NoHttp("HTTP/1.1 400 Bad Request\r\n\r\n")]);
    let why = failed(&endpoint(&format!("https://{}/v1", server.address), Some(KEY)));
    // a machine without any certificate authority gets no further than that
    let told =
        [format!("cannot connect to {}: ", server.address), "the machine cannot make HTTPS requests: ".to_owned()];
    assert!(told.iter().any(|start| why.starts_with(start)) && !why.contains(KEY), "{why}");
}

#[test]
fn what_is_no_json_by_its_head_is_not_read() {
    for (head, said) in [
        ("content-type: text/html; charset=utf-8\r\n", "HOST answered with text/html; charset=utf-8 and not with JSON"),
        ("content-type: text/event-stream\r\n", "HOST answered with text/event-stream and not with JSON"),
        ("", "HOST answered with no type and not with JSON"),
    ] {
        let why = said_of(answer("200 OK", head, "{}"));
        assert!(why.starts_with(said), "{why}");
    }
}

#[test]
fn what_is_no_completion_is_told() {
    let form = "the answer of HOST is no chat completion: ";
    let cases = [
        ("", format!("{form}it is no JSON: ")),
        ("<html>", format!("{form}it is no JSON: ")),
        ("{\"choices\":", format!("{form}it is no JSON: ")),
        ("[]", format!("{form}it has no choices")),
        ("{\"choices\": []}", format!("{form}it has no choices")),
        (r#"{"choices": [{"message": {"content": null}}]}"#, format!("{form}its message has no text")),
        (r#"{"choices": [{"message": {"refusal": "I will not"}}]}"#, "the model refused: I will not".to_owned()),
        (
            r#"{"choices": [{"finish_reason": "length", "message": {"content": "{\"statements\": ["}}]}"#,
            "the model's answer was cut off before its end".to_owned(),
        ),
        (r#"{"choices": [{"message": {"content": ""}}]}"#, "the model's answer holds no list of statements".to_owned()),
    ];
    for (body, said) in cases {
        let why = said_of(answer("200 OK", JSON, body));
        assert!(why.starts_with(&said), "{body}: {why}");
    }
    let deep = format!("{{\"choices\": {}", "[".repeat(200_000));
    assert!(said_of(answer("200 OK", JSON, &deep)).starts_with(&format!("{form}it is no JSON: ")));
    let why = said_of(completion("I'm sorry, but I can't help with that."));
    assert_eq!(why, "the model's answer holds no list of statements; take another model");
}

#[test]
fn an_answer_without_an_end_is_not_read_to_it() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 52428800\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n",
    ] {
        assert_eq!(said_of(Reply::Endless(head)), "the answer of HOST is longer than 1048576 bytes");
    }
    assert_eq!(
        said_of(Reply::Endless("HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\n\r\n")),
        "HOST answered 400"
    );
}
