//! Everything that is tested from outside the crate, in one binary, since each test binary links all of DataFusion.

mod tidy;
