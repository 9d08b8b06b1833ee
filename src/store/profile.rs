//! The files in which the tools of AWS keep credentials and regions, as far as they hold keys themselves.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::env::Env;
use crate::error::{Error, Result};

/// A file of a person's settings is never longer.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Keys of a profile whose credentials come from elsewhere.
const INDIRECT: &[&str] = &["role_arn", "credential_process", "sso_session", "sso_start_url", "login_session"];

/// What the files say of the profile in use.
#[derive(Default)]
pub(super) struct Profile {
    /// `default`, or what `AWS_PROFILE` says.
    pub(super) name: String,
    settings: BTreeMap<String, String>,
}

impl Profile {
    /// Reads the profile that the environment names. Fails where it names one that is in neither file.
    pub(super) fn read(env: &Env) -> Result<Self> {
        let wanted = env.first(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
        let name = wanted.unwrap_or("default").to_owned();
        let home = env.get("HOME").map(PathBuf::from);
        let file = |variable: &str, name: &str| {
            let named = env.get(variable).map(PathBuf::from);
            named.or_else(|| home.as_ref().map(|home| home.join(".aws").join(name)))
        };
        let mut profile = Self { name, settings: BTreeMap::new() };
        let mut found = false;
        for path in [file("AWS_CONFIG_FILE", "config"), file("AWS_SHARED_CREDENTIALS_FILE", "credentials")] {
            let text = path.as_deref().map_or_else(String::new, text_of);
            found |= profile.take(&text);
        }
        match wanted {
            Some(name) if !found => {
                Err(Error::usage(format!("AWS_PROFILE: there is no profile {name:?} in the files of the AWS tools")))
            }
            _ => Ok(profile),
        }
    }

    /// Takes the settings of the profile's section; says whether there is one.
    fn take(&mut self, text: &str) -> bool {
        let mut inside = false;
        let mut found = false;
        for line in text.lines() {
            if let Some(section) = line.trim().strip_prefix('[').and_then(|line| line.split_once(']')) {
                let section = section.0.trim();
                inside = section.strip_prefix("profile ").unwrap_or(section).trim() == self.name;
                found |= inside;
            } else if inside
                // an indented line belongs to a nested setting, and `#` begins a comment
                && !line.starts_with([' ', '\t', '#', ';'])
                && let Some((key, value)) = line.split_once('=')
            {
                self.settings.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
        }
        found
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether its credentials come from a role, a login or a program.
    pub(super) fn is_indirect(&self) -> bool {
        self.settings.keys().any(|key| INDIRECT.contains(&key.as_str()))
    }
}

/// A file that is not there, or not readable, says nothing: the tools of AWS have it so.
fn text_of(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    if read.is_ok() { text } else { String::new() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn profile(variables: &[(&str, &str)], config: &str, credentials: &str) -> Result<Profile> {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        fs::write(home.path().join(".aws/config"), config).unwrap();
        fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
        let home = ("HOME".to_owned(), home.path().to_str().unwrap().to_owned());
        let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Profile::read(&Env::new(variables.chain([home])))
    }

    #[test]
    fn keys_and_region_come_from_the_section_of_the_profile() {
        let config = "[default]\nregion = eu-west-1\n[profile night]\nregion=eu-north-1\ns3 =\n  endpoint_url = no\n";
        let credentials =
            "[default]\naws_access_key_id=A\n# [night]\n[night]\naws_access_key_id = B\nAWS_SECRET_ACCESS_KEY = c=\n";
        let night = profile(&[("AWS_PROFILE", "night")], config, credentials).unwrap();
        assert_eq!(night.get("region"), Some("eu-north-1"));
        assert_eq!(night.get("aws_access_key_id"), Some("B"));
        assert_eq!(night.get("aws_secret_access_key"), Some("c="));
        assert_eq!(night.get("endpoint_url"), None);
        assert!(!night.is_indirect());
        assert_eq!(profile(&[], config, credentials).unwrap().get("aws_access_key_id"), Some("A"));
    }

    #[test]
    fn a_profile_that_is_not_there_is_a_usage_error_only_if_it_was_asked_for() {
        assert!(profile(&[], "", "").unwrap().get("region").is_none());
        let Err(error) = profile(&[("AWS_PROFILE", "nope")], "[default]\n", "") else { panic!("it was found") };
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn a_role_or_a_login_is_told_apart() {
        assert!(profile(&[], "[default]\nsso_session = acme\n", "").unwrap().is_indirect());
    }
}
