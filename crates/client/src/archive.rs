//! Files in and out of containers: `cp` and `export`.

use corten_api::container::PathStat;
use http::{HeaderMap, Method};

use crate::answer::Stream;
use crate::call::{Call, Upload};
use crate::error::CallError;
use crate::query::{Query, path_segment};
use crate::request::Client;

/// The header that says what a path is.
const PATH_STAT: &str = "x-docker-container-path-stat";

impl Client {
    /// What is at `path` in a container.
    ///
    /// # Errors
    /// See [`CallError`]; 404 if the container or the path is not there.
    pub async fn stat_path(&self, container: &str, path: &str) -> Result<PathStat, CallError> {
        let call = Call::new(Method::HEAD, &of(container), &Query::new().with("path", path));
        stat(&self.headers(call).await?)
    }

    /// What is at `path` in a container, and a tar stream of it.
    ///
    /// # Errors
    /// See [`CallError`]; 404 if the container or the path is not there.
    pub async fn read_archive(&self, container: &str, path: &str) -> Result<(PathStat, Stream), CallError> {
        let call = Call::get(&of(container), &Query::new().with("path", path));
        let (headers, stream) = self.stream_with_headers(call).await?;
        Ok((stat(&headers)?, stream))
    }

    /// Unpacks a tar stream into the directory `path` of a container, where a directory and something else do
    /// not replace each other. `keep_owners` keeps the stream's user and group numbers.
    ///
    /// # Errors
    /// See [`CallError`]; 403 if the place is read-only, 404 if it is not there.
    pub async fn write_archive(
        &self,
        container: &str,
        path: &str,
        archive: Upload,
        keep_owners: bool,
    ) -> Result<(), CallError> {
        let query = Query::new()
            .with_text("copyUIDGID", if keep_owners { "true" } else { "" })
            .with("noOverwriteDirNonDir", "true")
            .with("path", path);
        self.done(Call::new(Method::PUT, &of(container), &query).upload(archive, "application/x-tar"))
            .await
    }

    /// A tar stream of a container's whole root.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn export_container(&self, container: &str) -> Result<Stream, CallError> {
        let path = format!("/containers/{}/export", path_segment(container));
        self.stream(Call::get(&path, &Query::new())).await
    }
}

fn of(container: &str) -> String {
    format!("/containers/{}/archive", path_segment(container))
}

fn stat(headers: &HeaderMap) -> Result<PathStat, CallError> {
    let value = headers.get(PATH_STAT).map(http::HeaderValue::as_bytes);
    PathStat::from_header(value.unwrap_or_default()).map_err(CallError::PathStat)
}
