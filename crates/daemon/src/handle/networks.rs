//! Networks: create, list, inspect, connect, disconnect, remove, prune.

use corten_api::network::{NetworkConnectBody, NetworkCreateBody, NetworkDisconnectBody};
use corten_api::version::ApiVersion;
use http::StatusCode;

use super::Api;
use crate::http::{Answer, Request, answer};

/// `GET /networks`
pub(super) fn list(api: &Api, request: &Request) -> Answer {
    Ok(answer::json(&api.engine.list_networks(request.query.filters()?)?))
}

/// `GET /networks/{id}`
pub(super) fn inspect(api: &Api, name: &str) -> Answer {
    Ok(answer::json(&api.engine.inspect_network(name)?))
}

/// `POST /networks/create`
pub(super) async fn create(api: &Api, mut request: Request) -> Answer {
    let mut body: NetworkCreateBody = request.json().await?;
    if request.version < ApiVersion::new(1, 48) {
        // it came with 1.48
        body.enable_ipv4 = None;
    }
    let created = api.engine.create_network(body).await?;
    Ok(answer::json_with(StatusCode::CREATED, &created))
}

/// `POST /networks/{id}/connect`
pub(super) async fn connect(api: &Api, name: &str, mut request: Request) -> Answer {
    let body: NetworkConnectBody = request.json().await?;
    let settings = body.endpoint_config.unwrap_or_default();
    api.engine.connect_network(name, &body.container, settings).await?;
    Ok(answer::status(StatusCode::OK))
}

/// `POST /networks/{id}/disconnect`
pub(super) async fn disconnect(api: &Api, name: &str, mut request: Request) -> Answer {
    let body: NetworkDisconnectBody = request.json().await?;
    api.engine.disconnect_network(name, &body.container, body.force).await?;
    Ok(answer::status(StatusCode::OK))
}

/// `DELETE /networks/{id}`
pub(super) async fn remove(api: &Api, name: &str) -> Answer {
    api.engine.remove_network(name).await?;
    Ok(answer::status(StatusCode::NO_CONTENT))
}

/// `POST /networks/prune`
pub(super) async fn prune(api: &Api, request: &Request) -> Answer {
    let report = api.engine.prune_networks(request.query.filters()?).await?;
    Ok(answer::json(&report))
}
