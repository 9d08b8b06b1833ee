//! The variables of the environment that tell how object stores are reached. `cli` reads them, once.

use std::collections::BTreeMap;

use super::fault::Secrets;

/// Beginnings of the names that are kept.
const KEPT: &[&str] =
    &["AWS_", "GOOGLE_", "AZURE_", "KUBESIFT_", "STORAGE_EMULATOR_HOST", "SERVICE_ACCOUNT", "IDENTITY_", "HOME"];
/// Parts of the names whose values are secret. What names a file is not, but its path is not told either.
const SECRET: &[&str] = &["SECRET", "KEY", "TOKEN", "SAS", "CONNECTION_STRING", "PASSWORD", "AUTHORIZATION"];

/// Variables by name; those that are empty are left out, as if they were not set.
#[derive(Default)]
pub(super) struct Env(BTreeMap<String, String>);

impl Env {
    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_kept = |(name, value): &(String, String)| {
            !value.is_empty() && KEPT.iter().any(|beginning| name.starts_with(beginning))
        };
        Self(variables.into_iter().filter(is_kept).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The first of `names` that is set.
    pub(super) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| ["true", "1", "yes", "on"].contains(&value.to_ascii_lowercase().as_str()))
    }

    /// The variables whose names begin so.
    pub(super) fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What must not be told, `more` included.
    pub(super) fn secrets(&self, more: Option<&str>) -> Secrets {
        let is_secret = |name: &str| SECRET.iter().any(|part| name.contains(part));
        let values = self.0.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.clone());
        Secrets(values.chain(more.map(str::to_owned)).collect())
    }
}
