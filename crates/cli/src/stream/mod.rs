//! A container's streams on the user's: output taken apart into the two standard outputs, input with
//! detach keys, the session that joins them, and what runs beside it (signals, the terminal's size).

mod demultiplex;
mod ending;
mod patience;
mod place;
mod session;
mod signals;

pub(crate) use demultiplex::{Demultiplexer, StreamError, write_stdout};
pub(crate) use ending::{Ending, end, exec_code};
pub(crate) use patience::Patience;
pub(crate) use place::{Place, instant};
pub(crate) use session::{Attached, End, Session};
pub(crate) use signals::{Beside, Sized, resize};
