//! `POST /containers/{id}/attach`.

use corten_api::frame::{self, Stream};
use corten_api::version::ApiVersion;
use corten_engine::request::AttachOptions;
use http::{Response, StatusCode};

use super::Api;
use crate::http::hijack::{Framing, hijack};
use crate::http::{Answer, Body, Failure, Request, answer};

/// `POST /containers/{id}/attach`. Errors before the hijack are plain text, as in Docker.
pub(super) async fn attach(api: &Api, id: &str, request: Request) -> Answer {
    let query = &request.query;
    let options = AttachOptions {
        logs: query.boolean("logs"),
        stream: query.boolean("stream"),
        stdin: query.boolean("stdin"),
        stdout: query.boolean("stdout"),
        stderr: query.boolean("stderr"),
        detach_keys: query.filled("detachKeys"),
    };
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
