//! The part of the configuration that says which language model reviews a report. It never holds the key.

use std::time::Duration;

use serde::Deserialize;

use crate::limits::{REVIEW_SECONDS_DEFAULT, REVIEW_SECONDS_MAX};

/// The table `[review]`. What the address may be is checked when it is used, by `review::Endpoint`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// The base of an OpenAI-compatible API: `https://llm.example.com/v1`, or `http://127.0.0.1:11434/v1`.
    pub url: String,
    /// The model's name, as that API knows it.
    pub model: String,
    /// How long the whole answer may take, in seconds.
    pub timeout_seconds: Option<u64>,
}

impl Reviewer {
    /// How long the whole answer may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.unwrap_or(REVIEW_SECONDS_DEFAULT))
    }

    /// Checks what the types do not, and names the key of a mistake.
    pub(super) fn check(&self) -> Result<(), String> {
        for (key, text) in [("url", &self.url), ("model", &self.model)] {
            if text.trim().is_empty() {
                return Err(format!("review.{key} is empty"));
            }
        }
        match self.timeout_seconds {
            Some(seconds) if !(1..=REVIEW_SECONDS_MAX).contains(&seconds) => {
                Err(format!("review.timeout_seconds: {seconds} is not from 1 to {REVIEW_SECONDS_MAX}"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[test]
    fn a_reviewer_is_optional_and_its_mistakes_are_named() {
        assert_eq!(Config::parse("").unwrap().reviewer, None);
        let table = "[review]\nurl = 'http://127.0.0.1:11434/v1'\nmodel = 'some-model'\n";
        let config = Config::parse(table).unwrap();
        assert_eq!(config.reviewer.unwrap().timeout().as_secs(), 60);
        let slow = Config::parse(&format!("{table}timeout_seconds = 300")).unwrap();
        assert_eq!(slow.reviewer.unwrap().timeout().as_secs(), 300);
        for (text, message) in [
            (format!("{table}timeout_seconds = 0"), "review.timeout_seconds: 0 is not from 1 to 600"),
            (format!("{table}key = 'sk-x'"), "unknown field `key`"),
            (table.replace("some-model", " "), "review.model is empty"),
            ("[review]\nmodel = 'm'".to_owned(), "missing field `url`"),
        ] {
            let error = Config::parse(&text).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
