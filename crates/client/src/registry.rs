//! Calls by which the engine talks to registries, with the user's credentials.

use corten_api::Filters;
use corten_api::auth::{AuthConfig, AuthResponse};
use corten_api::image::ImageSearchResult;

use crate::answer::{Objects, Stream};
use crate::call::Call;
use crate::error::CallError;
use crate::query::{Query, path_segment};
use crate::request::Client;

/// The header with the credentials.
pub(crate) const REGISTRY_AUTH: &str = "x-registry-auth";

/// What `push` sends.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// The image's full name without tag.
    pub image: String,
    /// Its tag; empty for all tags.
    pub tag: String,
    /// A platform as JSON; empty for all.
    pub platform: String,
    /// The registry's credentials.
    pub auth: AuthConfig,
}

impl Client {
    /// Whether a registry takes these credentials.
    ///
    /// # Errors
    /// See [`CallError`]; 401 if it does not.
    pub async fn check_auth(&self, auth: &AuthConfig) -> Result<AuthResponse, CallError> {
        self.value(Call::post("/auth", &Query::new()).json(auth)?).await
    }

    /// Repositories of an index.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn search_images(
        &self,
        term: &str,
        limit: i64,
        filters: &Filters,
        auth: &AuthConfig,
    ) -> Result<Vec<ImageSearchResult>, CallError> {
        let mut query = Query::new().with_filters(filters);
        if limit > 0 {
            query = query.with("limit", &limit.to_string());
        }
        let call = Call::get("/images/search", &query.with("term", term));
        self.value(call.header(REGISTRY_AUTH, auth.to_header())).await
    }

    /// Sends an image to its registry.
    ///
    /// # Errors
    /// See [`CallError`]; errors found on the way come as messages.
    pub async fn push_image(&self, options: &PushOptions) -> Result<Objects, CallError> {
        let query = Query::new()
            .with_text("platform", &options.platform)
            .with_text("tag", &options.tag);
        let path = format!("/images/{}/push", path_segment(&options.image));
        let call = Call::post(&path, &query).header(REGISTRY_AUTH, options.auth.to_header());
        self.stream(call).await.map(Stream::objects)
    }
}
