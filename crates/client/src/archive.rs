//! Files in and out of containers and volumes: `cp` and `export`. The calls on volumes are Corten's own.

use corten_api::container::PathStat;
use http::{HeaderMap, Method};

use crate::answer::Stream;
use crate::call::{Call, Upload};
use crate::error::CallError;
use crate::query::{Query, path_segment};
use crate::request::Client;

/// The header that says what a path is.
const PATH_STAT: &str = "x-docker-container-path-stat";

/// Whose files are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesOf {
    /// A container's, by name or id.
    Container(String),
    /// A volume's, by name.
    Volume(String),
}

impl FilesOf {
    /// The name or id.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Container(name) | Self::Volume(name) => name,
        }
    }

    fn call(&self, act: &str) -> String {
        match self {
            Self::Container(name) => format!("/containers/{}/{act}", path_segment(name)),
            Self::Volume(name) => format!("/corten/volumes/{}/{act}", path_segment(name)),
        }
    }
}

impl Client {
    /// What is at `path` in a container or volume.
    ///
    /// # Errors
    /// See [`CallError`]; 404 if the container or the path is not there.
    pub async fn stat_path(&self, of: &FilesOf, path: &str) -> Result<PathStat, CallError> {
        let call = Call::new(Method::HEAD, &of.call("archive"), &Query::new().with("path", path));
        stat(&self.headers(call).await?)
    }

    /// What is at `path` in a container or volume, and a tar stream of it.
    ///
    /// # Errors
    /// See [`CallError`]; 404 if the container or the path is not there.
    pub async fn read_archive(&self, of: &FilesOf, path: &str) -> Result<(PathStat, Stream), CallError> {
        let call = Call::get(&of.call("archive"), &Query::new().with("path", path));
        let (headers, stream) = self.stream_with_headers(call).await?;
        Ok((stat(&headers)?, stream))
    }

    /// Unpacks a tar stream into the directory `path` of a container or volume, where a directory and something else do
    /// not replace each other. `keep_owners` keeps the stream's user and group numbers.
    ///
    /// # Errors
    /// See [`CallError`]; 403 if the place is read-only, 404 if it is not there.
    pub async fn write_archive(
        &self,
        of: &FilesOf,
        path: &str,
        archive: Upload,
        keep_owners: bool,
    ) -> Result<(), CallError> {
        let query = Query::new()
            .with_text("copyUIDGID", if keep_owners { "true" } else { "" })
            .with("noOverwriteDirNonDir", "true")
            .with("path", path);
        self.done(Call::new(Method::PUT, &of.call("archive"), &query).upload(archive, "application/x-tar"))
            .await
    }

    /// A tar stream of the whole root of a container or volume.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn export(&self, of: &FilesOf) -> Result<Stream, CallError> {
        self.stream(Call::get(&of.call("export"), &Query::new())).await
    }
}

fn stat(headers: &HeaderMap) -> Result<PathStat, CallError> {
    let value = headers.get(PATH_STAT).map(http::HeaderValue::as_bytes);
    PathStat::from_header(value.unwrap_or_default()).map_err(CallError::PathStat)
}
