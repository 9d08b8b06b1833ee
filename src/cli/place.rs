//! Where outputs go and lakes are that a user names: a file or folder, or an object by its URL.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::config::format_of;
use crate::error::{Error, Result};
use crate::lake::Root;
use crate::report::file;
use crate::store::{self, Location, Stores};

/// The object stores, as the environment says how they are reached.
pub(super) fn stores() -> Stores {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Stores::new(std::env::vars_os().filter_map(text))
}

/// The object that a path means, where it is a URL.
fn object(path: &Path) -> Result<Option<Location>> {
    path.to_str().filter(|text| store::is_url(text)).map(|url| stores().location(url)).transpose()
}

/// Where `--lake` says that the lake is.
pub(super) fn lake(path: &Path) -> Result<Root> {
    Ok(object(path)?.map_or_else(|| path.into(), Root::from))
}

/// Fails on what would fail when the output is written.
pub(super) fn check(path: &Path) -> Result<()> {
    match object(path)? {
        Some(object) => object.check_writable(),
        None => file::check(path),
    }
}

/// Writes a file or an object: it is there whole or not at all.
pub(super) fn write(path: &Path, write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<()> {
    match object(path)? {
        Some(object) => file::write_object(&object, write),
        None => file::write_file(path, write),
    }
}

/// The format of an output: the one that was named, else by the name of the file, else `default`; among `known`.
pub(super) fn format<'a>(
    named: Option<&'a str>,
    out: Option<&Path>,
    known: &[&'static str],
    default: &'static str,
) -> Result<&'a str> {
    let (None, Some(out)) = (named, out.map(shown)) else { return Ok(named.unwrap_or(default)) };
    format_of(&out, known).ok_or_else(|| {
        let formats = known.join(", ");
        Error::usage(format!("{}: the name does not tell the format; add --format: {formats}", out.display()))
    })
}

/// Whether there is a file or an object of that name.
pub(super) fn exists(path: &Path) -> Result<bool> {
    match object(path)? {
        Some(object) => Ok(object.head()?.is_some()),
        None => Ok(path.symlink_metadata().is_ok()),
    }
}

/// The path as it may be told: a URL without what is secret in it.
pub(super) fn shown(path: &Path) -> PathBuf {
    path.to_str().filter(|text| store::is_url(text)).map_or_else(|| path.to_owned(), |url| store::shown(url).into())
}
