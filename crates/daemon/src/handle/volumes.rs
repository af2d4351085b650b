//! Volumes: list, make (of nothing, of an archive, of another volume), inspect, remove.

use std::collections::BTreeMap;

use corten_api::volume::VolumeCreateBody;
use http::StatusCode;

use super::Api;
use crate::http::{Answer, BodyReader, Failure, Request, answer};

/// `GET /volumes`
pub(super) async fn list(api: &Api, request: &Request) -> Answer {
    let filters = request.query.filters().map_err(|failure| Failure {
        message: format!("error reading volume filters: {}", failure.message),
        ..failure
    })?;
    Ok(answer::json(&api.engine.list_volumes(filters).await?))
}

/// `POST /volumes/create`
pub(super) async fn create(api: &Api, mut request: Request) -> Answer {
    let body: VolumeCreateBody = request.json().await?;
    Ok(answer::json_with(
        StatusCode::CREATED,
        &api.engine.create_volume(body).await?,
    ))
}

/// `PUT /volumes/{name}`: only a swarm has volumes that change.
pub(super) fn update() -> Answer {
    Err(Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "volume update only valid for cluster volumes, but swarm is unavailable",
    ))
}

/// `GET /volumes/{name}`
pub(super) async fn inspect(api: &Api, name: &str) -> Answer {
    Ok(answer::json(&api.engine.inspect_volume(name).await?))
}

/// `DELETE /volumes/{name}`
pub(super) async fn remove(api: &Api, name: &str, request: &Request) -> Answer {
    api.engine.remove_volume(name, request.query.boolean("force")).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

/// `POST /corten/volumes/{name}/import`: the body is a tar archive.
pub(super) async fn import(api: &Api, name: &str, request: Request) -> Answer {
    let labels = labels(&request);
    let reader = BodyReader::new(request.body);
    let made = api.engine.import_volume(name, reader, labels).await?;
    Ok(answer::json_with(StatusCode::CREATED, &made))
}

/// `POST /corten/volumes/{name}/clone`
pub(super) async fn clone(api: &Api, name: &str, request: &Request) -> Answer {
    let made = api
        .engine
        .clone_volume(name, request.query.text("name"), labels(request));
    Ok(answer::json_with(StatusCode::CREATED, &made.await?))
}

/// `label=key=value`, as often as there are labels.
fn labels(request: &Request) -> BTreeMap<String, String> {
    let given = request.query.all("label").into_iter();
    let pair = |text: String| match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), value.to_owned()),
        None => (text, String::new()),
    };
    given.map(pair).collect()
}
