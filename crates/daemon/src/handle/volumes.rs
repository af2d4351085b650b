//! Volumes: list, inspect, remove.

use http::StatusCode;

use super::Api;
use crate::http::{Answer, Request, answer};

/// `GET /volumes`
pub(super) async fn list(api: &Api, request: &Request) -> Answer {
    Ok(answer::json(&api.engine.list_volumes(request.query.filters()?).await?))
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
