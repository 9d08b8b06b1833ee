//! One night at a time: a run reads, examines and tells, and another one in between would tell the same.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;

use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::store::is_url;

/// The lock's name in the lake.
const NAME: &str = "_run.lock";

/// Held for as long as a run lasts; it ends with the process.
#[derive(Debug)]
pub struct Turn {
    /// None for a lake in an object store, which knows no locks: there the commit is the guard.
    _file: Option<File>,
}

impl Turn {
    /// Takes the turn, or says at once that another run has it.
    pub fn take(lake: &Lake) -> Result<Self> {
        if lake.root().to_str().is_some_and(is_url) {
            return Ok(Self { _file: None });
        }
        let path = lake.root().join(NAME);
        let at = |error| Error::storage(&path, error);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(at)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => {
                let what = "another `kubesift run` is at work: wait for its end and try again";
                Err(Error::Busy(format!("{}: {what}", lake.root().display())))
            }
            Err(TryLockError::Error(error)) => Err(at(error)),
        }
    }
}
