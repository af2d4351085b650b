//! `POST /session`: the connection on which a builder's client serves what builds ask for.

use super::attach::hijacked;
use crate::http::{Answer, Request, session};

/// `POST /session`
pub(super) async fn hold(request: Request) -> Answer {
    session::check(&request.headers)?;
    // Whoever waits for a build keeps no daemon from its end.
    request.wire.watch_client();
    if let Err(error) = session::hold(&request.wire).await {
        tracing::debug!(%error, "a session ended");
    }
    request.wire.end();
    Ok(hijacked())
}
