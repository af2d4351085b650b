//! Containers: create, list, inspect, and their life.

use std::str::FromStr;

use corten_api::List;
use corten_api::container::{SentCreateBody, UpdateBody, UpdateResponse};
use corten_api::version::ApiVersion;
use corten_engine::request::{ListOptions, RemoveOptions, StopOptions, TerminalSize, WaitCondition};
use http::StatusCode;

use super::{Api, compat};
use crate::http::{Answer, Body, Failure, Query, Request, answer};

/// `GET /containers/json`
pub(super) async fn list(api: &Api, request: &Request) -> Answer {
    let query = &request.query;
    let options = ListOptions {
        all: query.boolean("all"),
        limit: query.number("limit")?.unwrap_or(0),
        size: query.boolean("size"),
        filters: query.filters()?,
    };
    let list = api.engine.list_containers(options).await?;
    Ok(answer::document(compat::container_list(list, request.version)))
}

/// `POST /containers/create`
pub(super) async fn create(api: &Api, mut request: Request) -> Answer {
    let SentCreateBody { mut body, has_config } = request.json().await?;
    if !has_config {
        return Err(Failure::invalid(
            "config cannot be empty in order to create a container",
        ));
    }
    let warnings = compat::adapt_create(&mut body, request.version)?;
    let (name, platform) = (request.query.filled("name"), request.query.filled("platform"));
    let mut created = api.engine.create_container(name, platform, body).await?;
    created.warnings.extend(warnings);
    Ok(answer::json_with(StatusCode::CREATED, &created))
}

/// `GET /containers/{id}/json`
pub(super) async fn inspect(api: &Api, id: &str, request: &Request) -> Answer {
    Ok(answer::json(
        &api.engine.inspect_container(id, request.query.boolean("size")).await?,
    ))
}

/// `POST /containers/{id}/start`
pub(super) async fn start(api: &Api, id: &str, request: &Request) -> Answer {
    if request.query.filled("checkpoint").is_some() {
        return Err(Failure::not_built("checkpoint"));
    }
    api.engine.start_container(id).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

/// `POST /containers/{id}/stop`
pub(super) async fn stop(api: &Api, id: &str, request: &Request) -> Answer {
    api.engine.stop_container(id, stop_options(&request.query)?).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

/// `POST /containers/{id}/restart`
pub(super) async fn restart(api: &Api, id: &str, request: &Request) -> Answer {
    api.engine.restart_container(id, stop_options(&request.query)?).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

fn stop_options(query: &Query) -> Result<StopOptions, Failure> {
    Ok(StopOptions {
        signal: query.filled("signal"),
        timeout_seconds: query.number("t")?,
    })
}

/// `POST /containers/{id}/kill`
pub(super) async fn kill(api: &Api, id: &str, request: &Request) -> Answer {
    api.engine.kill_container(id, request.query.filled("signal")).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

/// `POST /containers/{id}/rename`
pub(super) async fn rename(api: &Api, id: &str, request: &Request) -> Answer {
    api.engine.rename_container(id, request.query.text("name")).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

/// `POST /containers/{id}/update`
pub(super) async fn update(api: &Api, id: &str, mut request: Request) -> Answer {
    let mut update: UpdateBody = request.json_or_default().await?;
    if request.version < ApiVersion::new(1, 40) {
        update.pids_limit = None;
    }
    let warnings = api.engine.update_container(id, update).await?;
    let warnings = if warnings.is_empty() {
        List::null()
    } else {
        List::from(warnings)
    };
    Ok(answer::json(&UpdateResponse { warnings }))
}

/// `POST /containers/{id}/pause`
pub(super) async fn pause(api: &Api, id: &str) -> Answer {
    api.engine.pause_container(id).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

/// `POST /containers/{id}/unpause`
pub(super) async fn unpause(api: &Api, id: &str) -> Answer {
    api.engine.unpause_container(id).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

/// `GET /containers/{id}/top`
pub(super) async fn top(api: &Api, id: &str, request: &Request) -> Answer {
    Ok(answer::json(
        &api.engine.top_container(id, request.query.text("ps_args")).await?,
    ))
}

/// `DELETE /containers/{id}`
pub(super) async fn remove(api: &Api, id: &str, request: &Request) -> Answer {
    let query = &request.query;
    let options = RemoveOptions {
        volumes: query.boolean("v"),
        force: query.boolean("force"),
        link: query.boolean("link"),
    };
    api.engine.remove_container(id, options).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

/// `POST /containers/{id}/wait`: the head goes out at once, the body when the condition holds.
pub(super) fn wait(api: &Api, id: &str, request: &Request) -> Answer {
    let condition = match request.query.text("condition") {
        "" | "not-running" => WaitCondition::NotRunning,
        "next-exit" => WaitCondition::NextExit,
        "removed" => WaitCondition::Removed,
        other => return Err(Failure::invalid(format!("invalid condition: {other:?}"))),
    };
    let ticket = api.engine.wait_container(id, condition)?;
    request.wire.watch_client();
    let result = async move { corten_api::json::encode(&ticket.finished().await).into() };
    Ok(answer::json_stream(Body::Later(Box::pin(result))))
}

/// `POST /containers/{id}/resize`
pub(super) async fn resize(api: &Api, id: &str, request: &Request) -> Answer {
    api.engine.resize_container(id, terminal_size(&request.query)?).await?;
    Ok(answer::status(StatusCode::OK))
}

/// The `h` and `w` of resize calls.
pub(super) fn terminal_size(query: &Query) -> Result<TerminalSize, Failure> {
    let side = |key: &str, name: &str| {
        let text = query.text(key);
        let refused = |why| Failure::invalid(format!("invalid resize {name} {text:?}: {why}"));
        let cells = i128::from_str(text).map_err(|_| refused("invalid syntax"))?;
        let cells = u32::try_from(cells).map_err(|_| refused("value out of range"))?;
        Ok::<_, Failure>(u16::try_from(cells).unwrap_or(u16::MAX))
    };
    Ok(TerminalSize {
        rows: side("h", "height")?,
        columns: side("w", "width")?,
    })
}
