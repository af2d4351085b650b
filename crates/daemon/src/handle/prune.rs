//! Prune calls of every noun, and what `system df` asks for.

use corten_api::List;
use corten_api::system::BuildPruneReport;
use corten_api::version::ApiVersion;
use corten_engine::usage::UsageOptions;

use super::Api;
use crate::http::{Answer, Failure, Request, answer};

/// `POST /containers/prune`
pub(super) async fn containers(api: &Api, request: &Request) -> Answer {
    Ok(answer::json(
        &api.engine.prune_containers(request.query.filters()?).await?,
    ))
}

/// `POST /images/prune`
pub(super) async fn images(api: &Api, request: &Request) -> Answer {
    Ok(answer::json(&api.engine.prune_images(request.query.filters()?).await?))
}

/// `POST /volumes/prune`: before 1.42 named volumes too.
pub(super) async fn volumes(api: &Api, request: &Request) -> Answer {
    let mut filters = request.query.filters()?;
    if request.version < ApiVersion::new(1, 42) {
        filters.add("all", "true");
    }
    Ok(answer::json(&api.engine.prune_volumes(filters).await?))
}

/// `POST /build/prune`: there is no cache of builds to prune.
pub(super) fn build(request: &Request) -> Answer {
    request.query.filters()?;
    Ok(answer::json(&BuildPruneReport {
        caches_deleted: List::null(),
        ..BuildPruneReport::default()
    }))
}

/// `GET /system/df`
pub(super) async fn disk_usage(api: &Api, request: &Request) -> Answer {
    let mut options = UsageOptions::default();
    for kind in request.query.all("type") {
        match kind.as_str() {
            "container" => options.containers = true,
            "image" => options.images = true,
            "volume" => options.volumes = true,
            "build-cache" => options.build_cache = true,
            other => return Err(Failure::invalid(format!("unknown object type: {other}"))),
        }
    }
    if options == UsageOptions::default() {
        options = UsageOptions {
            containers: true,
            images: true,
            volumes: true,
            build_cache: true,
        };
    }
    Ok(answer::json(&api.engine.disk_usage(options).await?))
}
