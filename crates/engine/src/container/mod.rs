//! Containers: what they are asked to be, how they live, what is told of them.

pub mod attach;
pub mod name;
pub mod phase;
pub mod restart;
pub mod status;
pub mod wait;
