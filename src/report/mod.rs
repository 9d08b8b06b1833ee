//! Everything that leaves the program: findings in several formats, tables of query results, files.

pub mod escape;
pub mod file;

/// The path in errors of a writer that does not know where its bytes go; [`file::write_file`] puts the real one in.
const OUTPUT: &str = "output";

/// An error of the writer.
#[cfg(test)]
fn io_error(error: std::io::Error) -> crate::error::Error {
    crate::error::Error::storage(OUTPUT, error)
}
