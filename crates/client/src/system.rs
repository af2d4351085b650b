//! Calls about the engine itself, and `inspect` of the objects that have no other commands yet.

use bytes::Bytes;
use corten_api::Filters;
use corten_api::system::{DiskUsage, SystemVersion};

use crate::answer::{Objects, Stream};
use crate::call::Call;
use crate::error::CallError;
use crate::query::{Query, path_segment};
use crate::request::Client;

impl Client {
    /// The engine's version.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn server_version(&self) -> Result<SystemVersion, CallError> {
        self.value(Call::get("/version", &Query::new())).await
    }

    /// The engine's version as it wrote it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn server_version_raw(&self) -> Result<Bytes, CallError> {
        self.bytes(Call::get("/version", &Query::new())).await
    }

    /// What the engine says about itself, as it wrote it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn info_raw(&self) -> Result<Bytes, CallError> {
        self.bytes(Call::get("/info", &Query::new())).await
    }

    /// How much disk everything takes.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn disk_usage(&self) -> Result<DiskUsage, CallError> {
        self.value(Call::get("/system/df", &Query::new())).await
    }

    /// What happens, from `since` to `until` (seconds since 1970, or empty).
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn events(&self, since: &str, until: &str, filters: &Filters) -> Result<Objects, CallError> {
        let mut query = Query::new();
        if !filters.is_empty() {
            query = query.with("filters", &filters.to_json());
        }
        let query = query.with_text("since", since).with_text("until", until);
        self.stream(Call::get("/events", &query)).await.map(Stream::objects)
    }

    /// Everything about an object of a kind that is named by its path (`networks`, `volumes`, ...).
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect_raw(&self, kind: &str, name: &str) -> Result<Bytes, CallError> {
        self.bytes(Call::get(&format!("/{kind}/{}", path_segment(name)), &Query::new()))
            .await
    }
}
