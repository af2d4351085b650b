//! Names for containers: what is asked and answered, pure. The keeper carries it over its sockets.

pub mod message;
