//! Object stores: a real S3 server on loopback, what goes wrong on the way to it, and the program over it.

mod program;
mod server;
mod store;
