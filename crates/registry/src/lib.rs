//! The distribution protocol, the client's end: so far whether a registry takes somebody's credentials, and what its
//! index has.
//!
//! `server` says where a registry is, `exchange` makes one request over a connection of its own, `challenge` reads how
//! a registry wants to be convinced, `login` does it. Texts are Docker's (observed: dockerd 28.5).

mod challenge;
mod exchange;
mod login;
mod search;
mod server;

pub use login::{LoginError, login};
pub use search::{Search, SearchError, search};
pub use server::{Server, ServerError, Trust};
