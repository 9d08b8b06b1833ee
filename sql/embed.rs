//! The build script: puts the SQL of this folder into the binary, so that Kubesift is one file to install.
//!
//! Writes `$OUT_DIR/sql.rs`, one sorted `&[(path, text)]` that `src/detection/pack.rs` includes. Cases
//! (`*.test.toml`) stay out: only tests need them, and they read them from the disk.
#![expect(clippy::print_stdout, reason = "cargo reads its instructions there")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The folders that go in. Cargo watches each as a whole, so that a new file is seen too.
const FOLDERS: [&str; 5] = ["sql/views", "sql/detections", "sql/dossier", "sql/lists", "sql/coverage"];

fn main() -> io::Result<()> {
    let variable = |name: &str| {
        env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("cargo did not set {name}")))
    };
    let root = variable("CARGO_MANIFEST_DIR")?;
    let mut files = Vec::new();
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        walk(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        // forward slashes on every system: the path is a name in messages and an order in the pack
        let name = file.strip_prefix(&root).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
        let file = file.to_string_lossy();
        writeln!(code, "    ({name:?}, include_str!({file:?})),").map_err(io::Error::other)?;
    }
    code.push_str("]\n");
    fs::write(variable("OUT_DIR")?.join("sql.rs"), code)
}

/// Adds the `.sql` files and the data files (lists, coverage) under `folder`; a folder that is not there has none.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            walk(&path, files)?;
        } else if name.ends_with(".sql") || (name.ends_with(".toml") && !name.ends_with(".test.toml")) {
            files.push(path);
        }
    }
    Ok(())
}
