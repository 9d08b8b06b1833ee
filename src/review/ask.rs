//! The one request that leaves: sent, waited for, and its answer read with a bound on everything.

use std::pin::pin;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

use super::answer;
use super::brief::Brief;
use super::endpoint::{Endpoint, Key};
use super::fault::{ReviewFault, innermost, outside};
use crate::error::{Error, Result};
use crate::limits::{REVIEW_ANSWER_BYTES_MAX, REVIEW_ERROR_BYTES_MAX, REVIEW_RETRY_SECONDS_MAX};
use crate::report::review::{Reading, Review};

/// How often the caller is asked whether to go on.
const TICK: Duration = Duration::from_millis(100);
/// Without `Retry-After`.
const RETRY_SECONDS_DEFAULT: u64 = 2;

/// How the program around a review has it wait.
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    /// Whether to go on; asked while the endpoint is waited for.
    pub check: &'a dyn Fn() -> Result<()>,
    /// Lets a time pass before the endpoint is asked once more.
    pub wait: &'a dyn Fn(Duration),
}

/// Asks the endpoint to read the brief. Whatever goes wrong there is an outcome; the only errors are those of
/// `patience.check`, and of a machine that cannot run a client.
pub fn ask(endpoint: &Endpoint, brief: &Brief, patience: Patience<'_>) -> Result<Reading> {
    if brief.sent() == 0 {
        return Ok(Reading::Failed(ReviewFault::NothingToRead.to_string()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Internal(format!("no runtime for the review: {error}")))?;
    let read = runtime.block_on(async {
        let mut asking = pin!(talk(endpoint, brief, patience.wait));
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                read = &mut asking => return Ok(read),
                _ = tick.tick() => (patience.check)()?,
            }
        }
    });
    // a name server that does not answer holds a thread; do not wait for it
    runtime.shutdown_background();
    Ok(match read? {
        Ok(review) => Reading::Done(review),
        Err(fault) => Reading::Failed(fault.to_string()),
    })
}

async fn talk(endpoint: &Endpoint, brief: &Brief, wait: &dyn Fn(Duration)) -> Result<Review, ReviewFault> {
    let talk = Talk { endpoint, body: brief.bytes(&endpoint.model) };
    let client = endpoint.client().map_err(|error| ReviewFault::Client(innermost(&error)))?;
    let mut answer = talk.send(&client).await?;
    if let Some(pause) = talk.pause(&answer)? {
        wait(pause);
        answer = talk.send(&client).await?;
    }
    let body = talk.read(answer).await?;
    let text = answer::text(&endpoint.host, &body)?;
    let (statements, dropped) = answer::statements(&text, brief)?;
    Ok(Review {
        model: endpoint.model.clone(),
        endpoint: endpoint.host.clone(),
        statements,
        sent: brief.sent(),
        unsent: brief.unsent(),
        dropped,
    })
}

struct Talk<'a> {
    endpoint: &'a Endpoint,
    body: String,
}

impl Talk<'_> {
    fn host(&self) -> String {
        self.endpoint.host.clone()
    }

    async fn send(&self, client: &Client) -> Result<Response, ReviewFault> {
        let json = "application/json";
        let mut request = client.post(self.endpoint.url.clone()).header(CONTENT_TYPE, json).header(ACCEPT, json);
        if let Some(key) = &self.endpoint.key {
            let value = key.header().map_err(|error| ReviewFault::Client(error.to_string()))?;
            request = request.header(AUTHORIZATION, value);
        }
        request.body(self.body.clone()).send().await.map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &reqwest::Error) -> ReviewFault {
        let why = outside(&innermost(error), self.endpoint.key.as_ref().map(Key::text));
        // a slow handshake is a time-out, and of connecting too
        if error.is_timeout() {
            ReviewFault::Timeout { host: self.host(), seconds: self.endpoint.timeout.as_secs() }
        } else if error.is_connect() {
            ReviewFault::Connect { host: self.host(), why }
        } else {
            ReviewFault::Broken { host: self.host(), why }
        }
    }

    /// How long to wait before asking once more, where that may help.
    fn pause(&self, answer: &Response) -> Result<Option<Duration>, ReviewFault> {
        let status = answer.status();
        if !is_busy(status) {
            return Ok(None);
        }
        let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let seconds = asked.and_then(|text| text.trim().parse().ok()).unwrap_or(RETRY_SECONDS_DEFAULT);
        if seconds > REVIEW_RETRY_SECONDS_MAX {
            return Err(ReviewFault::Later { host: self.host(), status: status.as_u16(), seconds });
        }
        Ok(Some(Duration::from_secs(seconds)))
    }

    /// The body of an answer that is one.
    async fn read(&self, answer: Response) -> Result<Vec<u8>, ReviewFault> {
        let (host, code) = (self.host(), answer.status().as_u16());
        match answer.status() {
            status if status.is_success() => {}
            status if status.is_redirection() => return Err(ReviewFault::Redirect { host, status: code }),
            // what these say may repeat the key
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(ReviewFault::Key { host, status: code }),
            status if is_busy(status) => return Err(ReviewFault::Busy { host, status: code }),
            _ => return Err(ReviewFault::Status { host, status: code, message: self.said(answer).await }),
        }
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("no type");
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence != "application/json" && !essence.ends_with("+json") {
            return Err(ReviewFault::ContentType { host, kind: outside(kind, None) });
        }
        self.bytes(answer, REVIEW_ANSWER_BYTES_MAX).await
    }

    async fn bytes(&self, mut answer: Response, most: usize) -> Result<Vec<u8>, ReviewFault> {
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.fault(&error))? {
            if bytes.len() + chunk.len() > most {
                return Err(ReviewFault::TooLong(self.host()));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// What an endpoint says of its own error, as these APIs do.
    async fn said(&self, answer: Response) -> String {
        let body = self.bytes(answer, REVIEW_ERROR_BYTES_MAX).await.unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let said = body.pointer("/error/message").or_else(|| body.get("error")).and_then(Value::as_str);
        outside(said.unwrap_or_default(), self.endpoint.key.as_ref().map(Key::text))
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}
