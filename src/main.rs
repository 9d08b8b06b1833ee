//! The `kubesift` command: runs [`kubesift::cli`] and maps its answer to the exit code.

use std::panic::catch_unwind;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // a panic is a bug, whose message was printed already: exit code 1, as for any internal error
    ExitCode::from(catch_unwind(kubesift::cli::run).unwrap_or(1))
}
