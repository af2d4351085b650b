//! Reading what containers wrote.

pub mod line;
pub mod reader;
