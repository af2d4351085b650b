//! Containers' files: archives in and out, export.

use corten_api::container::PathStat;
use corten_engine::request::ExtractOptions;
use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::Api;
use crate::http::{Aborted, Answer, Body, BodyReader, Failure, Request, StreamWriter, answer};

/// Says what a path is.
const PATH_STAT: HeaderName = HeaderName::from_static("x-docker-container-path-stat");

/// `HEAD /containers/{id}/archive`
pub(super) async fn stat(api: &Api, id: &str, request: &Request) -> Answer {
    let stat = api.engine.stat_path(id, path(request)?).await?;
    Ok(told(answer::status(StatusCode::OK), &stat))
}

/// `GET /containers/{id}/archive`
pub(super) async fn read(api: &Api, id: &str, request: &Request) -> Answer {
    let ticket = api.engine.prepare_archive(id, path(request)?).await?;
    let stat = ticket.stat().clone();
    let (sender, body) = Body::stream();
    tokio::spawn(async move {
        if let Err(error) = ticket.write(StreamWriter::new(sender.clone())).await {
            tracing::error!("an archive could not be completed: {error}");
            drop(sender.send(Err(Aborted)).await);
        }
    });
    Ok(told(answer::stream("application/x-tar", body), &stat))
}

/// `PUT /containers/{id}/archive`
pub(super) async fn write(api: &Api, id: &str, request: Request) -> Answer {
    let options = ExtractOptions {
        path: path(&request)?.to_owned(),
        keep_kinds: request.query.boolean("noOverwriteDirNonDir"),
        own: request.query.boolean("copyUIDGID"),
    };
    api.engine
        .write_archive(id, BodyReader::new(request.body), options)
        .await?;
    Ok(answer::status(StatusCode::OK))
}

/// `GET /containers/{id}/export`
pub(super) async fn export(api: &Api, id: &str) -> Answer {
    let ticket = api.engine.prepare_export(id).await?;
    let (sender, body) = Body::stream();
    tokio::spawn(async move {
        if let Err(error) = ticket.write(StreamWriter::new(sender.clone())).await {
            tracing::error!("an export could not be completed: {error}");
            drop(sender.send(Err(Aborted)).await);
        }
    });
    Ok(answer::stream("application/octet-stream", body))
}

fn path(request: &Request) -> Result<&str, Failure> {
    match request.query.text("path") {
        // Sic.
        "" => Err(Failure::invalid("bad parameter: pathcannot be empty")),
        path => Ok(path),
    }
}

fn told(mut response: Response<Body>, stat: &PathStat) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(&stat.to_header()) {
        response.headers_mut().insert(PATH_STAT, value);
    }
    response
}
