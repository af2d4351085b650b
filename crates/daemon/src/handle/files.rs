//! Files of containers and volumes: archives in and out, export.

use corten_api::container::PathStat;
use corten_engine::files::FilesOf;
use corten_engine::request::ExtractOptions;
use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::Api;
use crate::http::{Aborted, Answer, Body, BodyReader, Failure, Request, StreamWriter, answer};

/// Says what a path is.
const PATH_STAT: HeaderName = HeaderName::from_static("x-docker-container-path-stat");

/// `HEAD /containers/{id}/archive`, `HEAD /corten/volumes/{name}/archive`
pub(super) async fn stat(api: &Api, of: FilesOf<'_>, request: &Request) -> Answer {
    let stat = api.engine.stat_path(of, path(request)?).await?;
    Ok(told(answer::status(StatusCode::OK), &stat))
}

/// `GET /containers/{id}/archive`, `GET /corten/volumes/{name}/archive`
pub(super) async fn read(api: &Api, of: FilesOf<'_>, request: &Request) -> Answer {
    let ticket = api.engine.prepare_archive(of, path(request)?).await?;
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

/// `PUT /containers/{id}/archive`, `PUT /corten/volumes/{name}/archive`
pub(super) async fn write(api: &Api, of: FilesOf<'_>, request: Request) -> Answer {
    let options = ExtractOptions {
        path: path(&request)?.to_owned(),
        keep_kinds: request.query.boolean("noOverwriteDirNonDir"),
        own: request.query.boolean("copyUIDGID"),
    };
    api.engine
        .write_archive(of, BodyReader::new(request.body), options)
        .await?;
    Ok(answer::status(StatusCode::OK))
}

/// `GET /containers/{id}/export`, `GET /corten/volumes/{name}/export`
pub(super) async fn export(api: &Api, of: FilesOf<'_>) -> Answer {
    let ticket = api.engine.prepare_export(of).await?;
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
