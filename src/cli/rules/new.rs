//! `kubesift rules new`: a detection and its cases to begin with, which pass `rules check` and `rules test` as they are.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::detection::{Pack, is_id};
use crate::error::{Error, Result};
use crate::prove::cases_file;

/// What the files begin with; ID stands for the id.
const SQL: &str = include_str!("new.sql.txt");
const CASES: &str = include_str!("new.test.toml.txt");

/// Arguments of `kubesift rules new`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What happened, in 3 to 64 of a-z, 0-9 and _
    id: String,
    /// The folder for the two files, made where it is missing
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// Writes the two files; says what to do next.
pub(super) fn run(args: &Args, pack: &Pack) -> Result<String> {
    let Args { id, dir } = args;
    if !is_id(id) {
        return Err(Error::usage(format!("{id:?} is no id; use 3 to 64 of a-z, 0-9 and _")));
    }
    if let Some(other) = pack.get(id) {
        return Err(Error::usage(format!("{} is a detection of the same id; choose another", other.path)));
    }
    let sql = dir.join(format!("{id}.sql"));
    let cases = cases_file(&sql);
    // neither is written where one is there already
    for path in [&sql, &cases] {
        if path.symlink_metadata().is_ok() {
            return Err(Error::usage(format!("{}: is there already; nothing was written", path.display())));
        }
    }
    fs::create_dir_all(dir).map_err(|error| Error::storage(dir, error))?;
    write(&sql, SQL)?;
    write(&cases, CASES)?;
    let folder = dir.display();
    Ok(format!(
        "{}\n{}\n\nchange them, then\n  kubesift rules check --rules {folder}\n  kubesift rules test --rules {folder}\n",
        sql.display(),
        cases.display()
    ))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| Error::storage(path, error))
}
