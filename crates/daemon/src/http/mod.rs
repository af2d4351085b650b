//! HTTP/1.1 below the routes: connections, requests, answers, bodies, hijacking. Knows no call.

pub mod answer;
mod behind;
mod body;
mod connection;
mod failure;
pub mod hijack;
mod pipe;
mod record;
mod request;
pub mod session;
mod stop;
mod transfer;
pub mod websocket;
mod wire;

pub use answer::Answer;
pub use body::{Aborted, Body, Piece, STREAM_PIECES};
pub use connection::{Handler, serve_connection};
pub use failure::Failure;
pub use pipe::{BodyReader, StreamWriter};
pub use record::Record;
pub use request::{Query, Request, drain};
pub use stop::{Stop, Stopper};
pub use transfer::{Transfer, TransferWriter};
pub use wire::{Socket, Wire};
