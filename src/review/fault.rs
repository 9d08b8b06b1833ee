//! Why there is no review. None of it ends a run, and none of it holds the key.

use std::error::Error as _;

use crate::limits::{REVIEW_ANSWER_BYTES_MAX, REVIEW_FAULT_CHARS_MAX, REVIEW_RETRY_SECONDS_MAX};
use crate::report::escape::{cut, terminal};

/// What went wrong between the question and a reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewFault {
    /// There is nothing to cite.
    #[error("there are no findings for it to read")]
    NothingToRead,
    /// The client could not be made, such as for want of any certificate authority.
    #[error("the machine cannot make HTTPS requests: {0}")]
    Client(String),
    /// Nobody answers there, or not in TLS.
    #[error("cannot connect to {host}: {why}; {}", remedy(.why))]
    Connect {
        /// The host that was asked.
        host: String,
        /// The innermost reason.
        why: String,
    },
    /// It took too long.
    #[error("{host} did not answer within {seconds} seconds; raise review.timeout_seconds, or take a faster model")]
    Timeout {
        /// The host that was asked.
        host: String,
        /// The most that it was given.
        seconds: u64,
    },
    /// The connection broke.
    #[error("the connection to {host} broke: {why}; try again")]
    Broken {
        /// The host that was asked.
        host: String,
        /// The innermost reason.
        why: String,
    },
    /// It sends elsewhere.
    #[error("{host} answered {status}, a redirect, which is not followed; name its final address as review.url")]
    Redirect {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// It does not accept the key, or wants one.
    #[error("{host} answered {status}: it wants another key; set KUBESIFT_REVIEW_KEY")]
    Key {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// It is busy, and stayed so.
    #[error("{host} answered {status} twice: it is busy or its quota is used up; try again later")]
    Busy {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// It is busy for longer than is worth waiting.
    #[error(
        "{host} answered {status} and asks to wait {seconds} seconds, more than {REVIEW_RETRY_SECONDS_MAX}; try again \
         later"
    )]
    Later {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What it asks for.
        seconds: u64,
    },
    /// Another status.
    #[error("{host} answered {status}{}", said(.message))]
    Status {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What it says of it; empty: nothing.
        message: String,
    },
    /// The answer is too long.
    #[error("the answer of {0} is longer than {REVIEW_ANSWER_BYTES_MAX} bytes")]
    TooLong(String),
    /// The answer is no JSON by its head.
    #[error("{host} answered with {kind} and not with JSON; review.url must be the base of an OpenAI-compatible API")]
    ContentType {
        /// The host that was asked.
        host: String,
        /// What it says that it sent.
        kind: String,
    },
    /// The answer is not in the API's form.
    #[error("the answer of {host} is no chat completion: {why}")]
    Form {
        /// The host that was asked.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// The model did not want to, or its filter.
    #[error("the model refused{}", said(.0))]
    Refused(String),
    /// The model was cut off.
    #[error("the model's answer was cut off before its end; take a model with a larger context")]
    CutOff,
    /// The model did not keep to what it was asked for.
    #[error("the model's answer holds no list of statements; take another model")]
    NoStatements,
}

/// What to do about a connection that cannot be made.
fn remedy(why: &str) -> &'static str {
    if why.contains("certificate") {
        "if an authority of your own signed it, name that one's file in SSL_CERT_FILE"
    } else {
        "is review.url right, and does it run?"
    }
}

fn said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Text from outside, short and harmless, without the key.
pub(super) fn outside(text: &str, key: Option<&str>) -> String {
    let text = match key {
        Some(key) => text.replace(key, "(the key)"),
        None => text.to_owned(),
    };
    terminal(&cut(&text, REVIEW_FAULT_CHARS_MAX)).into_owned()
}

/// The innermost reason of an error of the HTTP client: the outer ones repeat the URL.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    if error.source().is_none() { "no reason is known".to_owned() } else { inner.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_nobody_knows_has_a_remedy_of_its_own() {
        let of = |why: &str| ReviewFault::Connect { host: "h".to_owned(), why: why.to_owned() }.to_string();
        assert!(of("invalid peer certificate: UnknownIssuer").ends_with("name that one's file in SSL_CERT_FILE"));
        assert!(of("Connection refused (os error 111)").ends_with("is review.url right, and does it run?"));
    }
}
