//! Calls about images.

use bytes::Bytes;
use corten_api::Filters;
use corten_api::auth::AuthConfig;
use corten_api::image::{IdResponse, ImageDeleteItem, ImageHistoryItem, ImageSummary};
use http::Method;

use crate::answer::{Objects, Stream};
use crate::call::{Call, Upload};
use crate::error::CallError;
use crate::query::{Query, path_segment};
use crate::registry::REGISTRY_AUTH;
use crate::request::Client;

/// Where `import` puts an image.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The repository's name; empty for an image without one.
    pub repository: String,
    /// Its tag.
    pub tag: String,
    /// Dockerfile instructions that set the image's configuration.
    pub changes: Vec<String>,
    /// A comment for its history.
    pub message: String,
    /// `os[/architecture[/variant]]`; empty for the engine's own.
    pub platform: String,
}

/// What `pull` asks for.
#[derive(Debug, Clone, Default)]
pub struct PullOptions {
    /// The image's name without tag.
    pub image: String,
    /// Its tag or digest.
    pub tag: String,
    /// `os[/architecture[/variant]]`; empty for the engine's own.
    pub platform: String,
    /// The registry's credentials.
    pub auth: AuthConfig,
}

/// What `commit` makes of a container.
#[derive(Debug, Clone, Default)]
pub struct CommitOptions {
    /// The container.
    pub container: String,
    /// The new image's full name without tag; empty for an image without one.
    pub repository: String,
    /// Its tag.
    pub tag: String,
    /// Who made it.
    pub author: String,
    /// A comment for its history.
    pub message: String,
    /// Dockerfile instructions that set its configuration.
    pub changes: Vec<String>,
    /// Whether the container goes on meanwhile.
    pub running: bool,
}

impl Client {
    /// The images there are.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn list_images(&self, all: bool, filters: &Filters) -> Result<Vec<ImageSummary>, CallError> {
        let mut query = Query::new().with_flag("all", all);
        if !filters.is_empty() {
            query = query.with("filters", &filters.to_json());
        }
        self.value(Call::get("/images/json", &query)).await
    }

    /// Everything about one, as the engine wrote it. `platform` is JSON or empty.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect_image_raw(&self, name: &str, platform: &str) -> Result<Bytes, CallError> {
        self.bytes(Call::get(
            &of(name, "/json"),
            &Query::new().with_text("platform", platform),
        ))
        .await
    }

    /// The steps it was made by.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn image_history(&self, name: &str, platform: &str) -> Result<Vec<ImageHistoryItem>, CallError> {
        self.value(Call::get(
            &of(name, "/history"),
            &Query::new().with_text("platform", platform),
        ))
        .await
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn tag_image(&self, name: &str, repository: &str, tag: &str) -> Result<(), CallError> {
        let query = Query::new().with("repo", repository).with_text("tag", tag);
        self.done(Call::post(&of(name, "/tag"), &query)).await
    }

    /// Removes a name, and the image with its last one. `platforms`: in JSON each, what it has to be for.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn remove_image(
        &self,
        name: &str,
        force: bool,
        keep_parents: bool,
        platforms: &[String],
    ) -> Result<Vec<ImageDeleteItem>, CallError> {
        let query = Query::new()
            .with_flag("force", force)
            .with_flag("noprune", keep_parents);
        let add = |query: Query, platform: &String| query.with("platforms", platform);
        let query = platforms.iter().fold(query, add);
        self.value(Call::new(Method::DELETE, &of(name, ""), &query)).await
    }

    /// Reads images out of a tar archive. `quiet` leaves out the progress.
    ///
    /// # Errors
    /// See [`CallError`]; errors found while reading come as messages.
    pub async fn load_images(&self, archive: Upload, quiet: bool, platform: &str) -> Result<Objects, CallError> {
        let query = Query::new()
            .with("quiet", if quiet { "1" } else { "0" })
            .with_text("platform", platform);
        let call = Call::post("/images/load", &query).upload(archive, "application/x-tar");
        self.stream(call).await.map(Stream::objects)
    }

    /// Writes images as a tar archive.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn save_images(&self, names: &[String], platform: &str) -> Result<Stream, CallError> {
        let query = names.iter().fold(Query::new(), |query, name| query.with("names", name));
        self.stream(Call::get("/images/get", &query.with_text("platform", platform)))
            .await
    }

    /// Makes an image of one layer from a tar archive.
    ///
    /// # Errors
    /// See [`CallError`]; errors found while reading come as messages.
    pub async fn import_image(&self, archive: Upload, options: &ImportOptions) -> Result<Objects, CallError> {
        let call = Call::post("/images/create", &import_query("-", options)).upload(archive, "application/x-tar");
        self.stream(call).await.map(Stream::objects)
    }

    /// Makes an image of an archive that the engine fetches from `url` itself.
    ///
    /// # Errors
    /// See [`CallError`]; errors found while reading come as messages.
    pub async fn import_image_from(&self, url: &str, options: &ImportOptions) -> Result<Objects, CallError> {
        let call = Call::post("/images/create", &import_query(url, options));
        self.stream(call).await.map(Stream::objects)
    }

    /// Makes an image of a container.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn commit_container(&self, options: &CommitOptions) -> Result<IdResponse, CallError> {
        let mut query = Query::new().with("author", &options.author);
        for change in &options.changes {
            query = query.with("changes", change);
        }
        query = query
            .with("comment", &options.message)
            .with("container", &options.container);
        if options.running {
            query = query.with("pause", "0");
        }
        let query = query.with("repo", &options.repository).with("tag", &options.tag);
        self.value(Call::post("/commit", &query)).await
    }

    /// Fetches an image from its registry.
    ///
    /// # Errors
    /// See [`CallError`]; errors found on the way come as messages.
    pub async fn pull_image(&self, options: &PullOptions) -> Result<Objects, CallError> {
        let query = Query::new()
            .with("fromImage", &options.image)
            .with_text("tag", &options.tag);
        let call = Call::post("/images/create", &query.with_text("platform", &options.platform));
        let call = call.header(REGISTRY_AUTH, options.auth.to_header());
        self.stream(call).await.map(Stream::objects)
    }
}

fn import_query(source: &str, options: &ImportOptions) -> Query {
    let mut query = Query::new()
        .with("fromSrc", source)
        .with_text("repo", &options.repository);
    query = query
        .with_text("tag", &options.tag)
        .with_text("message", &options.message);
    query = query.with_text("platform", &options.platform);
    for change in &options.changes {
        query = query.with("changes", change);
    }
    query
}

fn of(name: &str, rest: &str) -> String {
    format!("/images/{}{rest}", path_segment(name))
}
