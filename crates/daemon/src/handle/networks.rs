//! Networks: list, inspect, remove.

use http::StatusCode;

use super::Api;
use crate::http::{Answer, Failure, Request, answer};

/// `GET /networks`
pub(super) fn list(api: &Api, request: &Request) -> Answer {
    Ok(answer::json(&api.engine.list_networks(request.query.filters()?)?))
}

/// `GET /networks/{id}`
pub(super) fn inspect(api: &Api, name: &str) -> Answer {
    Ok(answer::json(&api.engine.inspect_network(name)?))
}

/// `DELETE /networks/{id}`: all that there are were there from the start.
pub(super) fn remove(api: &Api, name: &str) -> Answer {
    let network = api.engine.inspect_network(name)?;
    Err(Failure::new(
        StatusCode::FORBIDDEN,
        format!("{} is a pre-defined network and cannot be removed", network.name),
    ))
}
