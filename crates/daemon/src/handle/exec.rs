//! Exec sessions: create, start, resize, inspect.

use std::time::Duration;

use corten_api::exec::{ExecConfig, ExecCreateResponse, ExecStartConfig};
use corten_api::frame::{self, Stream};
use corten_engine::request::ExecStartOptions;
use corten_engine::{Error, ErrorKind};
use http::StatusCode;

use super::Api;
use super::attach::{framing, hijacked};
use super::containers::terminal_size;
use crate::http::hijack::hijack;
use crate::http::{Answer, Failure, Request, answer};

/// How long a client may take for the head before the process begins to write behind it.
const HEAD_LIMIT: Duration = Duration::from_millis(250);

/// `POST /containers/{id}/exec`
pub(super) async fn create(api: &Api, id: &str, mut request: Request) -> Answer {
    let config: ExecConfig = request.json().await?;
    if config.cmd.is_empty() {
        return Err(Failure::invalid("No exec command specified"));
    }
    let id = api.engine.create_exec(id, config).await?;
    Ok(answer::json_with(StatusCode::CREATED, &ExecCreateResponse { id }))
}

/// `POST /exec/{id}/start`. What fails after the head is out goes into the stream as text.
pub(super) async fn start(api: &Api, id: &str, mut request: Request) -> Answer {
    let config: ExecStartConfig = request.json().await?;
    let options = ExecStartOptions {
        detach: config.detach,
        tty: config.tty,
        size: config.console_size.filter(|_| config.tty).map(cells),
    };
    let ticket = api.engine.prepare_exec_start(id, options);
    if config.detach {
        ticket?.detached().await?;
        return Ok(answer::status(StatusCode::OK));
    }
    // Only an unknown session is refused before the hijack, as in Docker.
    if let Err(error) = &ticket
        && error.kind == ErrorKind::NotFound
    {
        return Err(error.clone().into());
    }
    let upgrade = request.wants_upgrade();
    let framing = framing(!config.tty, request.version);
    let Ok(taken) = hijack(request.wire.clone(), upgrade, framing).await else {
        return Ok(hijacked());
    };
    taken.wire.was_read(HEAD_LIMIT).await;
    let started = match ticket {
        Ok(ticket) => ticket.connect(taken.connection, taken.early_input).await,
        Err(error) => Err(error),
    };
    if let Err(error) = started {
        tracing::warn!(exec = id, "exec failed: {error}");
        // A client that is gone misses nothing: the session's exit code says the same.
        drop(taken.wire.write_all(&in_stream(config.tty, &error)).await);
    }
    Ok(hijacked())
}

/// A failure as the stream carries it: text with Docker's line end, framed unless raw.
fn in_stream(raw: bool, error: &Error) -> Vec<u8> {
    let text = format!("{error}\r\n").into_bytes();
    if raw {
        return text;
    }
    let mut framed = Vec::new();
    frame::write(&mut framed, Stream::Stdout, &text);
    framed
}

/// `[height, width]` as rows and columns.
fn cells([rows, columns]: [u32; 2]) -> (u16, u16) {
    let cells = |count| u16::try_from(count).unwrap_or(u16::MAX);
    (cells(rows), cells(columns))
}

/// `POST /exec/{id}/resize`
pub(super) async fn resize(api: &Api, id: &str, request: &Request) -> Answer {
    api.engine.resize_exec(id, terminal_size(&request.query)?).await?;
    Ok(answer::status(StatusCode::OK))
}

/// `GET /exec/{id}/json`
pub(super) fn inspect(api: &Api, id: &str) -> Answer {
    Ok(answer::json(&api.engine.inspect_exec(id)?))
}
