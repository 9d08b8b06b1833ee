//! Input that was made to harm: lines, files and secrets.

mod canary;
mod files;
mod lines;
