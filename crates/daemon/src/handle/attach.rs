//! `POST /containers/{id}/attach`, and the same over a WebSocket.

use corten_api::frame::{self, Stream};
use corten_api::version::ApiVersion;
use corten_engine::request::AttachOptions;
use http::{Response, StatusCode};

use super::Api;
use crate::http::hijack::{Framing, hijack};
use crate::http::websocket::{self, Message};
use crate::http::{Answer, Body, Failure, Query, Request, answer};

/// `POST /containers/{id}/attach`. Errors before the hijack are plain text, as in Docker.
pub(super) async fn attach(api: &Api, id: &str, request: Request) -> Answer {
    let options = options(&request.query, false);
    let ticket = match api.engine.prepare_attach(id, options) {
        Ok(ticket) => ticket,
        Err(error) => return Ok(answer::text_failure(&Failure::from(error), answer::RAW_STREAM)),
    };
    let multiplexed = ticket.multiplexed();
    let framing = framing(multiplexed, request.version);
    let upgrade = request.wants_upgrade();
    let wire = request.wire.clone();
    let Ok(taken) = hijack(wire, upgrade, framing).await else {
        return Ok(hijacked());
    };
    if let Err(error) = ticket.connect(taken.connection, taken.early_input).await {
        tracing::warn!(container = id, "attach failed: {error}");
        let mut text = format!("{error}\r\n").into_bytes();
        if multiplexed {
            let mut framed = Vec::new();
            frame::write(&mut framed, Stream::System, &text);
            text = framed;
        }
        drop(taken.wire.write_all(&text).await);
    }
    Ok(hijacked())
}

fn options(query: &Query, raw: bool) -> AttachOptions {
    AttachOptions {
        logs: query.boolean("logs"),
        stream: query.boolean("stream"),
        stdin: query.boolean("stdin"),
        stdout: query.boolean("stdout"),
        stderr: query.boolean("stderr"),
        detach_keys: query.filled("detachKeys"),
        raw,
    }
}

/// `GET /containers/{id}/attach/ws`. The container's side is a pair of sockets of which the shim gets one, as it gets
/// other clients' connections; both streams come as they are, in frames of text before API 1.28 and of bytes since.
/// Which streams are wanted is asked since 1.42; before, all are.
pub(super) async fn attach_websocket(api: &Api, id: &str, request: Request) -> Answer {
    let mut options = options(&request.query, true);
    if request.version < ApiVersion::new(1, 42) {
        (options.stdin, options.stdout, options.stderr) = (true, true, true);
    }
    let ticket = api.engine.prepare_attach(id, options)?;
    let Some(head) = websocket::handshake(&request.headers) else {
        if websocket::accept_with(&request.wire, websocket::REFUSAL).await.is_ok() {
            request.wire.end();
        }
        return Ok(hijacked());
    };
    let message = match request.version < ApiVersion::new(1, 28) {
        true => Message::Text,
        false => Message::Binary,
    };
    let wire = request.wire.clone();
    let failed = |error: std::io::Error| Failure::internal(format!("cannot attach: {error}"));
    let (own, other) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
    own.set_nonblocking(true).map_err(failed)?;
    other.set_nonblocking(true).map_err(failed)?;
    let own = tokio::net::UnixStream::from_std(own).map_err(failed)?;
    let Ok(early) = websocket::accept_with(&wire, head.as_bytes()).await else {
        return Ok(hijacked());
    };
    let (relayed, attached) = tokio::join!(
        websocket::relay(&wire, early, own, message),
        ticket.connect(other.into(), Vec::new()),
    );
    if let Err(error) = attached {
        tracing::warn!(container = id, "attach failed: {error}");
    }
    if let Err(error) = relayed {
        tracing::debug!(container = id, %error, "an attached client is gone");
    }
    wire.end();
    Ok(hijacked())
}

/// How output is labelled: clients before 1.42 know one label only.
pub(super) fn framing(multiplexed: bool, version: ApiVersion) -> Framing {
    if multiplexed && version >= ApiVersion::new(1, 42) {
        Framing::Multiplexed
    } else {
        Framing::Raw
    }
}

/// For the HTTP machinery, which has lost the connection and writes this nowhere.
pub(super) fn hijacked() -> Response<Body> {
    answer::status(StatusCode::OK)
}
