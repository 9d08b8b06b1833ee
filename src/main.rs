//! The `kubesift` command.

fn main() {}
