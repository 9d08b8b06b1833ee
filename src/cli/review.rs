//! `--review`: whom the user lets read the findings, and what would leave.

use std::time::Duration;

use super::say;
use crate::config::{Config, Reviewer};
use crate::error::{Error, Result};
use crate::ingest::Watch;
use crate::report::review::Reading;
use crate::review::{Brief, Endpoint, Key, Patience, ask};

/// The environment variable of the key: it belongs neither into a file nor among a process's arguments.
const KEY: &str = "KUBESIFT_REVIEW_KEY";
/// How long a wait goes on before a signal is heeded.
const TICK: Duration = Duration::from_millis(100);
/// The model in what would be sent where nobody named one.
const NO_MODEL: &str = "MODEL";

/// Whether a language model reads the findings, and which.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "A language model's reading (off by default)")]
pub(super) struct Review {
    /// Let a model read the findings, without names, and add its reading to the report, marked as such
    #[arg(long = "review", id = "review")]
    is_wanted: bool,
    /// The base of its OpenAI-compatible API, such as that of a model on this machine [default: review.url of
    /// kubesift.toml]; the key, where it wants one, stands in the environment, in `KUBESIFT_REVIEW_KEY`
    #[arg(long = "review-url", value_name = "URL", requires = "review")]
    url: Option<String>,
    /// Its name there [default: review.model of kubesift.toml]
    #[arg(long = "review-model", value_name = "NAME")]
    model: Option<String>,
    /// Print exactly what --review would send, send nothing, and write no report
    #[arg(long = "review-dry-run")]
    pub(super) is_dry_run: bool,
}

impl Review {
    /// Whom to ask; `None` where nobody asked for it. Fails before any work begins where it could not be asked.
    pub(super) fn endpoint(&self, config: &Config) -> Result<Option<Endpoint>> {
        if !self.is_wanted || self.is_dry_run {
            return Ok(None);
        }
        let known = config.reviewer.as_ref();
        let named = |flag: &Option<String>, known: Option<&String>, what: &str| {
            let missing = || {
                Error::usage(format!("--review: which model? give --review-{what}, or review.{what} in kubesift.toml"))
            };
            flag.as_ref().or(known).cloned().ok_or_else(missing)
        };
        let url = named(&self.url, known.map(|known| &known.url), "url")?;
        let model = named(&self.model, known.map(|known| &known.model), "model")?;
        let timeout_seconds = known.and_then(|known| known.timeout_seconds);
        let reviewer = Reviewer { url, model, timeout_seconds };
        let key = std::env::var(KEY).ok().filter(|key| !key.is_empty());
        let key = key.map(|key| Key::new(&key)).transpose()?;
        Endpoint::new(&reviewer.url, &reviewer.model, reviewer.timeout(), key).map(Some)
    }

    /// What would leave.
    pub(super) fn dry_run(&self, brief: &Brief, config: &Config) -> String {
        let known = config.reviewer.as_ref().map(|known| known.model.as_str());
        brief.bytes(self.model.as_deref().or(known).unwrap_or(NO_MODEL)) + "\n"
    }
}

/// What the model says of the brief, or why it says nothing.
pub(super) fn read(endpoint: &Endpoint, brief: &Brief, watch: &Watch) -> Result<Reading> {
    let wait = |mut left: Duration| {
        while !left.is_zero() && watch.check().is_ok() {
            let step = left.min(TICK);
            std::thread::sleep(step);
            left -= step;
        }
    };
    let reading = ask(endpoint, brief, Patience { check: &|| watch.check(), wait: &wait })?;
    if let Reading::Failed(why) = &reading {
        say(&format!("the report is without a review: {}", super::output::safe(why)));
    }
    Ok(reading)
}
