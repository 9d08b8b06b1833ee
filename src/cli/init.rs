//! `kubesift init`: a configuration with a word on every key, and files that run it every night.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Ending, say};
use crate::error::{Error, Result};

/// What is written, by its path.
const FILES: [(&str, &str); 5] = [
    ("kubesift.toml", include_str!("init/kubesift.toml")),
    ("deploy/cronjob.yaml", include_str!("init/cronjob.yaml")),
    ("deploy/kubesift.service", include_str!("init/kubesift.service")),
    ("deploy/kubesift.timer", include_str!("init/kubesift.timer")),
    ("deploy/Containerfile", include_str!("init/Containerfile")),
];

/// Arguments of `kubesift init`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to write to; made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Ending> {
    for (name, _) in FILES {
        let path = args.folder.join(name);
        if path.symlink_metadata().is_ok() {
            let what = "it is there already and stays as it is: name another folder, or move it away";
            return Err(Error::usage(format!("{}: {what}", path.display())));
        }
    }
    for (name, text) in FILES {
        let path = args.folder.join(name);
        write(&path, &text.replace("@VERSION@", env!("CARGO_PKG_VERSION")))?;
        say(&format!("wrote {}", path.display()));
    }
    say("next: name your logs in kubesift.toml, then `kubesift run --config kubesift.toml --dry-run`");
    Ok(Ending::Complete)
}

/// Writes a file that is not there yet, and its folder.
fn write(path: &Path, text: &str) -> Result<()> {
    let at = |error| Error::storage(path, error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Error::storage(folder, error))?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Error::usage(format!("{}: it came to be meanwhile and stays", path.display())),
        _ => at(error),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(at)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command};
    use super::*;
    use crate::config::Config;

    /// The arguments of a command line that stands in a file.
    fn parses(words: &[&str]) -> bool {
        matches!(Cli::try_parse_from(words).map(|cli| cli.command), Ok(Command::Run(_)))
    }

    fn text(name: &str) -> &'static str {
        FILES.iter().find(|(file, _)| file.ends_with(name)).unwrap().1
    }

    #[test]
    fn the_configuration_is_one_as_it_stands_and_with_every_example_taken() {
        let folder = tempfile::tempdir().unwrap();
        run(&Args { folder: folder.path().to_owned() }).unwrap();
        let path = folder.path().join("kubesift.toml");
        let config = Config::read(&path).unwrap();
        assert_eq!(config.sources.len(), 1);

        // examples are what begins like an entry or a table; other comments are sentences
        let is_example = |line: &str| {
            let entry = line.split_once(" = ").map(|(key, _)| key);
            entry.is_some_and(|key| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
                || (line.starts_with('[') && line.ends_with(']'))
        };
        let taken =
            |line: &str| line.strip_prefix("# ").filter(|rest| is_example(rest)).unwrap_or(line).to_owned() + "\n";
        fs::write(&path, text("kubesift.toml").lines().map(taken).collect::<String>()).unwrap();
        fs::write(folder.path().join("tor-exits.txt"), "203.0.113.9\n").unwrap();
        let config = Config::read(&path).unwrap();
        assert_eq!((config.sources.len(), config.exports.len(), config.suppress.len()), (2, 1, 1));
        assert!(config.night.report.is_some() && config.night.metrics.is_some() && config.night.fail_on.is_some());
        assert_eq!(config.lists.len(), 10);
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deploy")).unwrap();
        fs::write(folder.path().join("deploy/kubesift.timer"), "mine").unwrap();
        let args = Args { folder: folder.path().to_owned() };
        assert!(run(&args).unwrap_err().to_string().contains("kubesift.timer: it is there already"));
        assert_eq!(fs::read_to_string(folder.path().join("deploy/kubesift.timer")).unwrap(), "mine");
        assert!(!folder.path().join("kubesift.toml").exists());
    }

    #[test]
    fn the_unit_starts_what_there_is() {
        let service = text("kubesift.service");
        let start = service.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        assert!(parses(&start.split_whitespace().collect::<Vec<_>>()), "{start}");
        for line in ["ProtectSystem=strict", "NoNewPrivileges=true", "User=kubesift", "CapabilityBoundingSet="] {
            assert!(service.lines().any(|other| other == line), "{line}");
        }
        assert!(text("kubesift.timer").lines().any(|line| line == "Persistent=true"));
        for unit in [service, text("kubesift.timer")] {
            let ok = |line: &&str| line.is_empty() || line.starts_with(['#', '[']) || line.contains('=');
            assert!(unit.lines().all(|line| ok(&line)), "{unit}");
        }
    }

    #[test]
    fn the_job_is_yaml_runs_what_there_is_and_may_do_nothing_else() {
        let documents = yaml_rust2::YamlLoader::load_from_str(text("cronjob.yaml")).unwrap();
        let kinds: Vec<_> = documents.iter().map(|document| document["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["ServiceAccount", "PersistentVolumeClaim", "CronJob"]);
        let job = &documents[2]["spec"];
        assert_eq!(job["concurrencyPolicy"].as_str(), Some("Forbid"));
        let pod = &job["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"].as_bool(), Some(true));
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"].as_str(), Some("RuntimeDefault"));
        let container = &pod["containers"][0];
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"].as_bool(), Some(true));
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"].as_bool(), Some(false));
        let args = container["args"].as_vec().unwrap().iter().map(|word| word.as_str().unwrap());
        assert!(parses(&std::iter::once("kubesift").chain(args).collect::<Vec<_>>()));
        let mounted = container["volumeMounts"].as_vec().unwrap().iter().map(|mount| &mount["name"]);
        let volumes: Vec<_> = pod["volumes"].as_vec().unwrap().iter().map(|volume| &volume["name"]).collect();
        assert!(mounted.into_iter().all(|name| volumes.contains(&name)));
    }

    #[test]
    fn the_image_starts_what_there_is_and_not_as_root() {
        let image = text("Containerfile");
        let last = image.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
        let words: Vec<String> = serde_json::from_str(last).unwrap();
        assert!(parses(&std::iter::once("kubesift").chain(words.iter().map(String::as_str)).collect::<Vec<_>>()));
        assert!(image.lines().any(|line| line.starts_with("USER 65532")));
    }
}
