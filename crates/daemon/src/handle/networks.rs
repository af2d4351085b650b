//! Networks: list, inspect.

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
