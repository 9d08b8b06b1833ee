//! DataFusion's errors as this crate's: whose fault it is, in lowercase, with what to do next.

use std::io::ErrorKind;

use datafusion::common::DataFusionError;
use datafusion::common::SchemaError;

use crate::error::Error;

const NO_MEMORY: &str = "the memory is not enough";

/// Whether a query failed for want of memory, so that it may succeed when no other runs.
pub(super) fn wants_memory(error: &Error) -> bool {
    matches!(error, Error::Limit(message) if message.contains(NO_MEMORY))
}

/// The error of `what`: a detection, a view, a query.
pub(super) fn query(what: &str, error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(message) if message.contains("disk space") => Error::Limit(format!(
            "{what}: its spilled data would exceed the limit on disk; narrow the time with --since and --until"
        )),
        DataFusionError::ResourcesExhausted(_) => {
            Error::Limit(format!("{what}: {NO_MEMORY}; raise --memory, or narrow the time with --since and --until"))
        }
        DataFusionError::IoError(error)
            if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
        {
            Error::Limit(format!("{what}: no space is left for spilled data: {error}"))
        }
        DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
            Error::integrity("lake", format!("{what}: {}; run kubesift lake verify", plain(error)))
        }
        DataFusionError::Internal(_) | DataFusionError::ExecutionJoin(_) => {
            Error::Internal(format!("{what}: {}", plain(error)))
        }
        _ => Error::Query(format!("{what}: {}", plain(error))),
    }
}

/// The message without DataFusion's preambles, in lowercase, and without control characters: it may quote the log.
fn plain(error: &DataFusionError) -> String {
    let message = match error.find_root() {
        DataFusionError::SQL(parser, _) => format!("cannot be parsed: {parser}"),
        DataFusionError::SchemaError(schema, _) => missing_column(schema),
        DataFusionError::Plan(message)
        | DataFusionError::Execution(message)
        | DataFusionError::Internal(message)
        | DataFusionError::NotImplemented(message) => message.clone(),
        root => root.strip_backtrace(),
    };
    let message = message.replace("datafusion.public.", "").replace("sql parser error: ", "");
    let mut letters = message.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect::<String>().trim().to_owned()
}

/// Names the missing column and those most like it: the full list has sixty names.
fn missing_column(error: &SchemaError) -> String {
    let SchemaError::FieldNotFound { field, valid_fields } = error else {
        return error.to_string();
    };
    let stem: String = field.name.chars().take(4).collect();
    let mut near: Vec<_> =
        valid_fields.iter().map(|column| column.name.as_str()).filter(|name| name.starts_with(&stem)).collect();
    near.sort_unstable();
    near.dedup();
    if near.is_empty() {
        return format!("no column named {}; describe the view to see its columns", field.name);
    }
    format!("no column named {}; there is {}", field.name, near.join(", "))
}
