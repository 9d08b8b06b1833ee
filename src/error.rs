//! Errors, sorted by whose fault they are, because that is what decides the exit code and what a user does next.
//!
//! Bad log content is not an error: it is a row among the rejects (`event::reject`). An [`Error`] ends the run, or the
//! one file or detection that it concerns.

use std::path::PathBuf;

/// Everything that can end a run, a file or a detection.
///
/// Messages are lowercase, name the file and where in it, and say what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments, the configuration or a rule is wrong; nothing was read or written.
    #[error("{0}")]
    Usage(String),
    /// One input cannot be used; the others can.
    #[error("{path}: {reason}")]
    Input {
        /// The input as the user named it.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A query is not valid, or failed while it ran.
    #[error("{0}")]
    Query(String),
    /// A limit stopped the work: memory, time, disk or open files.
    #[error("{0}")]
    Limit(String),
    /// The lake is not what its log says it is.
    #[error("{path}: {reason}")]
    Integrity {
        /// The damaged or missing file.
        path: PathBuf,
        /// What was found, and the command that helps.
        reason: String,
    },
    /// Another run holds the lake; nothing was changed.
    #[error("{0}")]
    Busy(String),
    /// Reading or writing storage failed.
    #[error("{path}: {source}")]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's or the store's answer.
        source: std::io::Error,
    },
    /// A bug in Kubesift.
    #[error("internal error: {0}; please report it")]
    Internal(String),
    /// A signal asked the run to stop; what was committed stays, the rest was undone.
    #[error("stopped by signal {0}")]
    Stopped(i32),
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A usage error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// An input error for one path.
    pub fn input(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Input { path: path.into(), reason: reason.into() }
    }

    /// A storage error for one path.
    pub fn storage(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Storage { path: path.into(), source }
    }

    /// An integrity error for one path.
    pub fn integrity(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Integrity { path: path.into(), reason: reason.into() }
    }

    /// The process exit code: 1 internal, 2 usage, 4 input refused, 5 a limit, 6 lake integrity, 7 lake busy,
    /// 128 + n stopped by signal n. (0 is success, 3 success with rejects, 10 findings under `--fail-on`.)
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        match self {
            Self::Internal(_) => 1,
            Self::Usage(_) | Self::Query(_) => 2,
            Self::Input { .. } => 4,
            Self::Storage { source, .. } if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem) => 2,
            Self::Limit(_) | Self::Storage { .. } => 5,
            Self::Integrity { .. } => 6,
            Self::Busy(_) => 7,
            Self::Stopped(signal) => 128_u8.saturating_add(u8::try_from(*signal).unwrap_or(0)),
        }
    }
}
