//! What registries are asked: whether they take somebody's credentials (`POST /auth`), what their index has.

use std::sync::Arc;

use corten_api::auth::AuthConfig;
use corten_registry::{LoginError, Search, SearchError, Trust, login};
use http::StatusCode;

use super::Api;
use crate::http::{Answer, Failure, Request, answer};

/// The header with somebody's credentials.
const REGISTRY_AUTH: &str = "x-registry-auth";

/// `POST /auth`
pub(super) async fn check(api: &Api, mut request: Request) -> Answer {
    // A body that is no JSON is our fault in Docker's eyes (observed: dockerd 28.5).
    let auth: AuthConfig = request.json().await.map_err(|failure| broken_body(&failure))?;
    let live = api.current.live();
    let trust = Trust {
        insecure: live.insecure_registries(),
    };
    match login(&auth, trust, tls()?).await {
        Ok(response) => Ok(answer::json(&response)),
        Err(error) => Err(Failure::new(status(&error), error.to_string())),
    }
}

/// `GET /images/search`
pub(super) async fn search(api: &Api, request: &Request) -> Answer {
    let (query, live) = (&request.query, api.current.live());
    let trust = Trust {
        insecure: live.insecure_registries(),
    };
    let auth = request.headers.get(REGISTRY_AUTH).and_then(|value| value.to_str().ok());
    let question = Search {
        term: query.text("term"),
        limit: query.number("limit")?.unwrap_or(0),
        filters: &query.filters()?,
        auth: &auth.map(AuthConfig::from_header).unwrap_or_default(),
    };
    match corten_registry::search(&question, trust, tls()?).await {
        Ok(results) => Ok(answer::json(&results)),
        Err(error @ (SearchError::Limit(_) | SearchError::Filter(_) | SearchError::Stars(_))) => {
            Err(Failure::invalid(error.to_string()))
        }
        Err(error) => Err(Failure::internal(error.to_string())),
    }
}

/// The settings of TLS, with proof or without.
fn tls() -> Result<impl Fn(bool) -> Arc<rustls::ClientConfig>, Failure> {
    let settings = |verify: bool| {
        let tls = corten_client::Tls {
            skip_verify: !verify,
            ..corten_client::Tls::default()
        };
        corten_client::tls_config(&tls).map_err(|error| Failure::internal(error.to_string()))
    };
    let (verified, any) = (settings(true)?, settings(false)?);
    Ok(move |verify: bool| Arc::clone(if verify { &verified } else { &any }))
}

/// Docker hands on what its decoder says.
fn broken_body(failure: &Failure) -> Failure {
    let text = failure
        .message
        .strip_prefix("invalid JSON: ")
        .unwrap_or(&failure.message);
    let is_empty = text == "got EOF while reading request body";
    Failure::internal(if is_empty { "EOF" } else { text })
}

fn status(error: &LoginError) -> StatusCode {
    match error {
        LoginError::Server(_) => StatusCode::BAD_REQUEST,
        LoginError::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
        LoginError::Unreachable(_) | LoginError::Refused { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
