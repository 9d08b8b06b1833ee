//! What a store answered, as an error that names the URL, never a credential, and says what to do.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use object_store::client::{HttpError, HttpErrorKind};

use crate::error::{Error, Result};

/// A read of an object that failed for another reason than its content.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadFault(pub(super) String);

impl ReadFault {
    /// Whether a reader failed because of the store, so that the content is not to blame.
    #[must_use]
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).is_some()
    }
}

/// What went wrong, by what a user does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: ErrorKind,
    /// Lowercase, without the URL.
    pub(super) text: String,
}

/// Texts that must not be told, whatever a store's answer holds.
#[derive(Clone, Default)]
pub(super) struct Secrets(pub(super) Vec<String>);

impl Secrets {
    /// The text without them. Short ones could be any word, and are no secrets then.
    fn hide(&self, mut text: String) -> String {
        for secret in self.0.iter().filter(|secret| secret.len() >= 8) {
            text = text.replace(secret.as_str(), "[hidden]");
        }
        text
    }
}

/// Bytes of a store's own words that are told.
const WORDS_BYTES_MAX: usize = 300;
const STATUS: &str = "Server returned non-2xx status code: ";
const NO_BUCKET: &str = "no such bucket, or nothing there; check the name, the region and the endpoint";

impl Fault {
    pub(super) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// What an answer of a store means.
    pub(super) fn of(error: &object_store::Error, secrets: &Secrets) -> Self {
        let mut fault = Self::plain(error);
        fault.text = secrets.hide(fault.text);
        fault
    }

    fn plain(error: &object_store::Error) -> Self {
        let chain = chain(error);
        let last = words(&chain.last().map_or_else(String::new, ToString::to_string));
        // the type that knows the status is not public, its words are
        let answer = chain.iter().find_map(|error| error.to_string().strip_prefix(STATUS).map(str::to_owned));
        if let Some((status, body)) = answer.as_deref().and_then(split_status) {
            return Self::of_answer(status, body);
        }
        if let Some(kind) = chain.iter().find_map(|error| error.downcast_ref::<HttpError>()).map(HttpError::kind) {
            return Self::of_connection(kind, &last);
        }
        match error {
            object_store::Error::NotFound { .. } => Self::new(ErrorKind::NotFound, NO_BUCKET),
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::new(ErrorKind::PermissionDenied, last)
            }
            object_store::Error::Precondition { .. } => Self::new(ErrorKind::InvalidData, "it was replaced meanwhile"),
            object_store::Error::InvalidPath { .. } => {
                let advice = "Kubesift cannot name such objects: copy them to other names, or leave them out";
                Self::new(ErrorKind::InvalidInput, format!("a key there is not readable ({last}); {advice}"))
            }
            _ if last.contains("incorrectly configured region") => Self::elsewhere(),
            _ => Self::new(ErrorKind::Other, last),
        }
    }

    fn elsewhere() -> Self {
        Self::new(ErrorKind::InvalidInput, "the bucket is in another region; set AWS_REGION to it")
    }

    fn of_connection(kind: HttpErrorKind, last: &str) -> Self {
        match kind {
            HttpErrorKind::Timeout => Self::new(ErrorKind::TimedOut, format!("no answer in time ({last})")),
            HttpErrorKind::Connect => {
                let advice = "check the network, the proxy settings and the endpoint";
                Self::new(ErrorKind::NotConnected, format!("cannot be reached ({last}); {advice}"))
            }
            _ => Self::new(ErrorKind::ConnectionAborted, format!("the connection broke off ({last})")),
        }
    }

    fn of_answer(status: u16, body: &str) -> Self {
        let code = element(body, "Code").unwrap_or_default();
        let told = match (code, element(body, "Message")) {
            ("", _) => format!("status {status}"),
            (code, Some(message)) => format!("{code}: {message}"),
            (code, None) => code.to_owned(),
        };
        let told = words(&told);
        let bad_credentials =
            ["ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "TokenRefreshRequired"];
        if status == 401 || bad_credentials.contains(&code) || code.starts_with("Authentication") {
            let advice = "the credentials are missing, wrong or expired";
            return Self::new(ErrorKind::PermissionDenied, format!("{advice} ({told})"));
        }
        match (status, code) {
            (301 | 307 | 308, _) | (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") => Self::elsewhere(),
            (_, "InvalidObjectState") => {
                Self::new(ErrorKind::Other, format!("it is in cold storage; restore it first ({told})"))
            }
            (403, _) => Self::new(
                ErrorKind::PermissionDenied,
                format!(
                    "permission denied ({told}); the credentials need to list and read there, and to write where they should"
                ),
            ),
            (404, _) => Self::new(ErrorKind::NotFound, NO_BUCKET),
            (412, _) => Self::new(ErrorKind::InvalidData, "it was replaced meanwhile"),
            _ => Self::new(ErrorKind::Other, format!("the store answered {told}")),
        }
    }

    /// As an error about a URL.
    pub(super) fn at(self, url: &str) -> Error {
        match self.kind {
            ErrorKind::NotFound | ErrorKind::InvalidInput => Error::usage(format!("{url}: {}", self.text)),
            kind => Error::storage(url, io::Error::new(kind, self.text)),
        }
    }

    /// As the failure of a read.
    pub(super) fn of_read(self) -> io::Error {
        // an early end would be taken for a file that is cut off
        io::Error::other(ReadFault(self.text))
    }
}

/// Turns a store's answer about `url` into an error of ours.
pub(super) fn told<T>(url: &str, answer: object_store::Result<T>, secrets: &Secrets) -> Result<T> {
    answer.map_err(|error| Fault::of(&error, secrets).at(url))
}

/// An error and what is behind it.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut chain = vec![error];
    let mut error = error;
    while let Some(source) = error.source() {
        chain.push(source);
        error = source;
    }
    chain
}

fn split_status(text: &str) -> Option<(u16, &str)> {
    let status = text.get(..3)?.parse().ok()?;
    Some((status, text.split_once(": ").map_or("", |(_, body)| body)))
}

/// The text of an element of an XML answer.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    // Azure adds lines with ids of the request
    text.lines().next()
}

/// Words of a store on their way to a person: one line, no control bytes, not too long.
fn words(text: &str) -> String {
    let line: String = text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(WORDS_BYTES_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_by_its_code_and_not_by_its_body() {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>no match</Message>\
                    <StringToSign>hush</StringToSign></Error>";
        let fault = Fault::of_answer(403, body);
        assert_eq!(fault.kind, ErrorKind::PermissionDenied);
        assert_eq!(fault.text, "the credentials are missing, wrong or expired (SignatureDoesNotMatch: no match)");
        assert_eq!(fault.at("s3://logs/a").exit_code(), 2);
    }

    #[test]
    fn what_a_user_does_decides_the_exit_code() {
        for (status, body, code) in [
            (401, "", 2),
            (403, "<Code>AccessDenied</Code>", 2),
            (404, "", 2),
            (400, "<Code>ExpiredToken</Code><Message>m</Message>", 2),
            (301, "", 2),
            (403, "<Code>InvalidObjectState</Code>", 5),
            (500, "", 5),
            (503, "<Code>SlowDown</Code>", 5),
        ] {
            assert_eq!(Fault::of_answer(status, body).at("s3://logs").exit_code(), code, "{status} {body}");
        }
    }

    #[test]
    fn secrets_are_hidden_in_whatever_is_told() {
        let secrets = Secrets(vec!["hush-hush".to_owned(), "abc".to_owned()]);
        let error = object_store::Error::Generic { store: "S3", source: "abc: got hush-hush\nand more".into() };
        assert_eq!(Fault::of(&error, &secrets).text, "abc: got [hidden]");
    }

    #[test]
    fn words_of_a_store_are_one_short_line() {
        assert_eq!(words("a\u{1b}[31mb\nc"), "a[31mb");
        assert_eq!(words(&"é".repeat(1_000)).chars().count(), WORDS_BYTES_MAX + 3);
    }

    #[test]
    fn only_a_fault_of_the_store_is_one() {
        assert!(ReadFault::is(&Fault::new(ErrorKind::Other, "x").of_read()));
        assert!(!ReadFault::is(&io::Error::other("x")));
    }
}
