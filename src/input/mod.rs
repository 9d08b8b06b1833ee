//! The way in, from what a user names to newline-aligned chunks of decompressed bytes.

pub mod chunk;
pub mod decode;
pub mod find;
mod sniff;
pub mod split;
