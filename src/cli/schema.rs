//! `kubesift schema`: the columns of the events table, for whoever writes a query.

use super::{Ending, output};
use crate::error::Result;
use crate::schema::{COLUMNS, Kind, SCHEMA_VERSION};

/// Arguments of `kubesift schema`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs the command.
pub(super) fn run(_: &Args) -> Result<Ending> {
    let mut text = format!("events, schema version {SCHEMA_VERSION}; one row is one audit event\n\n");
    for column in COLUMNS {
        let null = if column.nullable { "" } else { ", never NULL" };
        text += &format!("{:<26} {:<10} {}{null}\n", column.name, type_name(column.kind), column.doc);
    }
    text += "\npartitioned by date: the UTC date of ts, YYYY-MM-DD, which queries see as the last column\n";
    output::print(&text)?;
    Ok(Ending::Complete)
}

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Texts => "text[]",
        Kind::Time => "timestamp",
        Kind::Int => "int",
        Kind::Long => "bigint",
        Kind::Flag => "boolean",
        Kind::Hash => "binary",
    }
}
