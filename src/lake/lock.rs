//! One writer at a time: the advisory lock that answers an overlapping cron job at once.
//!
//! The lock dies with its process, so that no stale one is left. What guards the table itself is the commit, which
//! fails where another writer was first.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;

use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::layout::Layout;
use crate::error::{Error, Result};

/// Held by whoever writes to the lake; dropping it lets the next one in.
#[derive(Debug)]
pub(super) struct Lock {
    /// None of a lake on an object store, which has no locks.
    _file: Option<File>,
}

/// What the holder writes into the file.
#[derive(Serialize, Deserialize)]
struct Holder {
    pid: u32,
    started: String,
}

impl Lock {
    /// Takes the lock, or tells at once who has it.
    pub(super) fn take(layout: &Layout, disk: &Disk) -> Result<Self> {
        if disk.is_remote() {
            return Ok(Self { _file: None });
        }
        let path = layout.lock();
        let at = |error| Error::storage(&path, error);
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = options.map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy(layout, &mut file)),
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        let holder = Holder { pid: std::process::id(), started: chrono::Utc::now().to_rfc3339() };
        file.set_len(0).map_err(at)?;
        serde_json::to_writer(&file, &holder).map_err(|error| at(error.into()))?;
        file.flush().map_err(at)?;
        Ok(Self { _file: Some(file) })
    }
}

fn busy(layout: &Layout, file: &mut File) -> Error {
    let mut text = String::new();
    // the holder may be writing it at this moment
    let holder = file.rewind().and_then(|()| file.read_to_string(&mut text)).ok();
    let who = match holder.and_then(|_| serde_json::from_str(&text).ok()) {
        Some(Holder { pid, started }) => format!("process {pid}, since {}", started.escape_default()),
        None => "a process that has just begun".to_owned(),
    };
    Error::Busy(format!(
        "{}: another run holds the lake ({who}): wait for its end and try again",
        layout.root().display()
    ))
}
