//! Hijacking: after the head, attach and exec use the connection as a raw two-way pipe.
//!
//! With an `Upgrade` header the head is `101 UPGRADED`, without it `200 OK` (clients before 2015, and
//! `curl`). Bytes that came behind the request are the first input.

use std::io;
use std::os::fd::OwnedFd;

use super::{Wire, answer};

/// What follows the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Bytes of a terminal.
    Raw,
    /// Frames, and the client knows the label for them (API 1.42).
    Multiplexed,
}

/// A connection that now belongs to the caller.
#[derive(Debug)]
pub struct Hijacked {
    /// The connection.
    pub connection: OwnedFd,
    /// What the client has sent behind its request.
    pub early_input: Vec<u8>,
    /// To write on it before it is handed on.
    pub wire: Wire,
}

/// Takes the connection of the request in progress, whose body has been read, and writes the head.
///
/// # Errors
/// The client is gone, or has sent too much ahead.
pub async fn hijack(wire: Wire, upgrade: bool, framing: Framing) -> io::Result<Hijacked> {
    let early_input = wire.take()?;
    wire.write_all(head(upgrade, framing).as_bytes()).await?;
    let connection = wire.descriptor()?;
    Ok(Hijacked {
        connection,
        early_input,
        wire,
    })
}

fn head(upgrade: bool, framing: Framing) -> String {
    let content_type = match framing {
        Framing::Raw => answer::RAW_STREAM,
        Framing::Multiplexed => answer::MULTIPLEXED_STREAM,
    };
    if upgrade {
        let signature = answer::signature();
        format!(
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: {content_type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n{signature}\r\n"
        )
    } else {
        format!("HTTP/1.1 200 OK\r\nContent-Type: {}\r\n\r\n", answer::RAW_STREAM)
    }
}
