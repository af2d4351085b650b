//! Images: list, inspect, history, tag, remove.

use corten_engine::request::{ImageListOptions, ImageRemoveOptions};
use http::StatusCode;
use serde_json::Value;

use super::{Api, compat, platform};
use crate::http::{Answer, Request, answer};
use corten_api::version::ApiVersion;

/// `GET /images/json`
pub(super) async fn list(api: &Api, request: &Request) -> Answer {
    let query = &request.query;
    let mut filters = query.filters()?;
    if let Some(reference) = query
        .filled("filter")
        .filter(|_| request.version < ApiVersion::new(1, 41))
    {
        filters.add("reference", &reference);
    }
    let options = ImageListOptions {
        all: query.boolean("all"),
        filters,
    };
    let images = api.engine.list_images(options).await?;
    if request.version >= ApiVersion::new(1, 51) {
        return Ok(answer::json(&images));
    }
    let images: Vec<Value> = images
        .iter()
        .map(|image| compat::image_summary(image, request.version))
        .collect();
    Ok(answer::json(&images))
}

/// `GET /images/{name}/json`
pub(super) async fn inspect(api: &Api, name: &str, request: &Request) -> Answer {
    let wanted = platform::wanted(&request.query, request.version, ApiVersion::new(1, 49))?;
    let image = api.engine.inspect_image(name).await?;
    if let Some(wanted) = wanted {
        platform::fits(&wanted, name, &image)?;
    }
    if request.version >= ApiVersion::new(1, 45) {
        return Ok(answer::json(&image));
    }
    Ok(answer::json(&compat::image_inspect(&image, request.version)))
}

/// `GET /images/{name}/history`
pub(super) async fn history(api: &Api, name: &str, request: &Request) -> Answer {
    if let Some(wanted) = platform::wanted(&request.query, request.version, ApiVersion::new(1, 48))? {
        platform::fits(&wanted, name, &api.engine.inspect_image(name).await?)?;
    }
    Ok(answer::json(&api.engine.image_history(name).await?))
}

/// `POST /images/{name}/tag`
pub(super) async fn tag(api: &Api, name: &str, request: &Request) -> Answer {
    let query = &request.query;
    api.engine
        .tag_image(name, query.text("repo"), query.text("tag"))
        .await?;
    Ok(answer::status(StatusCode::CREATED))
}

/// `DELETE /images/{name}`
pub(super) async fn remove(api: &Api, name: &str, request: &Request) -> Answer {
    let query = &request.query;
    if request.version >= ApiVersion::new(1, 50)
        && let Some(wanted) = platform::only_wanted(query)?
    {
        platform::fits(&wanted, name, &api.engine.inspect_image(name).await?)?;
    }
    let options = ImageRemoveOptions {
        force: query.boolean("force"),
        no_prune: query.boolean("noprune"),
    };
    Ok(answer::json(&api.engine.remove_image(name, options).await?))
}
