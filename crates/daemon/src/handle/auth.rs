//! `POST /auth`: whether a registry takes somebody's credentials.

use std::sync::Arc;

use corten_api::auth::AuthConfig;
use corten_registry::{LoginError, Trust, login};
use http::StatusCode;

use super::Api;
use crate::http::{Answer, Failure, Request, answer};

/// `POST /auth`
pub(super) async fn check(api: &Api, mut request: Request) -> Answer {
    // A body that is no JSON is our fault in Docker's eyes (observed: dockerd 28.5).
    let auth: AuthConfig = request.json().await.map_err(|failure| broken_body(&failure))?;
    let live = api.current.live();
    let settings = |verify: bool| {
        let tls = corten_client::Tls {
            skip_verify: !verify,
            ..corten_client::Tls::default()
        };
        corten_client::tls_config(&tls)
    };
    let broken = |error: corten_client::TlsError| Failure::internal(error.to_string());
    let (verified, any) = (settings(true).map_err(broken)?, settings(false).map_err(broken)?);
    let tls = |verify: bool| Arc::clone(if verify { &verified } else { &any });
    let trust = Trust {
        insecure: live.insecure_registries(),
    };
    match login(&auth, trust, tls).await {
        Ok(response) => Ok(answer::json(&response)),
        Err(error) => Err(Failure::new(status(&error), error.to_string())),
    }
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
