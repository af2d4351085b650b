//! Volumes: list, make, inspect, remove.

use corten_api::volume::VolumeCreateBody;
use http::StatusCode;

use super::Api;
use crate::http::{Answer, Failure, Request, answer};

/// `GET /volumes`
pub(super) async fn list(api: &Api, request: &Request) -> Answer {
    Ok(answer::json(&api.engine.list_volumes(request.query.filters()?).await?))
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
