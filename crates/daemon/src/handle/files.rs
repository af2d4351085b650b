//! Files of containers and volumes: archives in and out, export.

use std::io;

use corten_api::container::PathStat;
use corten_engine::files::FilesOf;
use corten_engine::request::ExtractOptions;
use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::Api;
use super::attach::hijacked;
use crate::http::{Answer, Body, BodyReader, Failure, Request, Transfer, TransferWriter, answer};

/// Says what a path is.
const PATH_STAT: HeaderName = HeaderName::from_static("x-docker-container-path-stat");

/// `HEAD /containers/{id}/archive`, `HEAD /corten/volumes/{name}/archive`
pub(super) async fn stat(api: &Api, of: FilesOf<'_>, request: &Request) -> Answer {
    let stat = api.engine.stat_path(of, path(request)?).await?;
    Ok(told(answer::status(StatusCode::OK), &stat))
}

/// `GET /containers/{id}/archive`, `GET /corten/volumes/{name}/archive`
pub(super) async fn read(api: &Api, of: FilesOf<'_>, request: Request) -> Answer {
    let ticket = api.engine.prepare_archive(of, path(&request)?).await?;
    let stat = format!("X-Docker-Container-Path-Stat: {}\r\n", ticket.stat().to_header());
    let transfer = Transfer::begin(request.wire, request.protocol, "application/x-tar", &stat);
    Ok(send(transfer, |writer| ticket.write(writer)).await)
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
pub(super) async fn export(api: &Api, of: FilesOf<'_>, request: Request) -> Answer {
    let ticket = api.engine.prepare_export(of).await?;
    let transfer = Transfer::begin(request.wire, request.protocol, "application/octet-stream", "");
    Ok(send(transfer, |writer| ticket.write(writer)).await)
}

/// Lets `write` write an archive on a connection of its own, and ends it.
async fn send<W>(
    transfer: impl Future<Output = io::Result<Transfer>>,
    write: impl FnOnce(TransferWriter) -> W,
) -> Response<Body>
where
    W: Future<Output = corten_engine::Result<()>>,
{
    let begun = async { transfer.await.and_then(|transfer| Ok((transfer.writer()?, transfer))) };
    match begun.await {
        Err(error) => tracing::debug!("an archive was not wanted any more: {error}"),
        Ok((writer, transfer)) => match write(writer).await {
            Err(error) => tracing::error!("an archive could not be completed: {error}"),
            // A client that left behind the last byte has all of it.
            Ok(()) => drop(transfer.finish().await),
        },
    }
    hijacked()
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
