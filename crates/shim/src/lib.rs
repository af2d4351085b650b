//! The keeper of one container, and what it says to the daemon. The library is the protocol and the
//! daemon's side of it; the program `corten-shim` is the keeper.

pub mod protocol;
