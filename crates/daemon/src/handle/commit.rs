//! Images of containers, and what containers changed.

use corten_api::List;
use corten_api::container::SentCreateBody;
use corten_api::image::IdResponse;
use corten_engine::request::CommitOptions;
use http::StatusCode;

use super::Api;
use crate::http::{Answer, Request, answer};

/// `POST /commit`
pub(super) async fn commit(api: &Api, mut request: Request) -> Answer {
    let sent: Option<SentCreateBody> = request.json_or_default().await?;
    let query = &request.query;
    let text = |key| query.text(key).to_owned();
    let options = CommitOptions {
        container: text("container"),
        repository: text("repo"),
        tag: text("tag"),
        author: text("author"),
        message: text("comment"),
        changes: query.all("changes"),
        // Nothing of a configuration in it: the container's.
        config: sent.filter(|sent| sent.has_config).map(|sent| sent.body.config),
        pause: query
            .filled("pause")
            .is_none_or(|pause| corten_api::query::boolean(&pause)),
    };
    let id = api.engine.commit_container(options).await?;
    Ok(answer::json_with(StatusCode::CREATED, &IdResponse { id }))
}

/// `GET /containers/{id}/changes`
pub(super) async fn changes(api: &Api, id: &str) -> Answer {
    let changes = api.engine.container_changes(id).await?;
    let changes = if changes.is_empty() {
        List::null()
    } else {
        List::from(changes)
    };
    Ok(answer::json(&changes))
}
