//! Files that are whole or not there: written beside their place, then renamed into it; or sent to an object store,
//! which shows an object only once it is whole.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::OUTPUT;
use crate::error::{Error, Result};
use crate::store::Location;

/// Who may read a file: the user alone, since it says what a log says.
const PRIVATE: u32 = 0o600;
/// Who may read a file of numbers: a collector that runs as somebody else.
const PUBLIC: u32 = 0o644;

/// As [`write_file`], for a file that holds nothing of what a log says: everybody can read it.
pub fn write_public_file(path: &Path, write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<()> {
    write_with(path, PUBLIC, write)
}

/// Writes a file through `write`. The bytes go to a temporary file in the same folder that only the user can read;
/// once they are on the disk, it takes the name. Until then a file of that name stays as it was; after an error it stays
/// for good. Only a regular file is replaced.
pub fn write_file(path: &Path, write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<()> {
    write_with(path, PRIVATE, write)
}

fn write_with(path: &Path, mode: u32, write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<()> {
    let storage = |error| Error::storage(path, error);
    check(path)?;
    let folder = folder(path);
    let temporary =
        tempfile::Builder::new().prefix(".kubesift-").suffix(".tmp").tempfile_in(&folder).map_err(storage)?;
    let mut out = BufWriter::with_capacity(1 << 16, temporary);
    write(&mut out).map_err(|error| named(error, path))?;
    let temporary = out.into_inner().map_err(|error| storage(error.into_error()))?;
    temporary.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(storage)?;
    temporary.as_file().sync_all().map_err(storage)?;
    temporary.persist(path).map_err(|error| storage(error.error))?;
    // the rename itself is on the disk once the folder is
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(storage)
}

/// Writes an object through `write`. Until all of it has arrived, and after an error for good, an object of that name
/// stays as it was.
pub fn write_object(place: &Location, write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<()> {
    let mut out = place.writer()?;
    write(&mut out).map_err(|error| named(error, Path::new(&place.url())))?;
    out.finish()
}

/// The error with the name of the output in it.
fn named(error: Error, path: &Path) -> Error {
    match error {
        Error::Storage { path: unknown, source } if unknown == Path::new(OUTPUT) => Error::storage(path, source),
        error => error,
    }
}

/// Fails where [`write_file`] would: the folder is missing, or something else than a file has the name.
pub fn check(path: &Path) -> Result<()> {
    let folder = folder(path);
    if !folder.is_dir() {
        return Err(Error::usage(format!("{}: no such folder; create it first", folder.display())));
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(Error::usage(format!("{}: not a regular file; name another output", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound && path.file_name().is_some() => Ok(()),
        Err(error) => Err(Error::storage(path, error)),
    }
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::unix::fs::symlink;

    use super::super::io_error;
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_file_replaces_that_of_an_earlier_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        for text in ["one", "two"] {
            write_file(&path, |out| out.write_all(text.as_bytes()).map_err(io_error)).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(folder.path()), ["out.csv"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn after_an_error_the_old_file_is_intact_and_nothing_lies_about() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        fs::write(&path, "old").unwrap();
        let error = write_file(&path, |out| {
            out.write_all(b"half").map_err(io_error)?;
            Err(io_error(io::Error::from(ErrorKind::StorageFull)))
        });
        assert!(error.unwrap_err().to_string().starts_with(path.to_str().unwrap()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["out.csv"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_file(&folder.path().join("no/out.csv"), |_| Ok(())).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("/no: no such folder"), "{error}");
    }

    #[test]
    fn only_regular_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("/dev/null", &link).unwrap();
        for path in [folder.path(), &link, Path::new("/dev/null")] {
            let error = write_file(path, |_| Ok(())).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{error}");
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
