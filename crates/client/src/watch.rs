//! Calls that look into a container: its processes, its load, what changed in its files.

use corten_api::List;
use corten_api::container::{ContainerTop, FilesystemChange};

use crate::answer::{Objects, Stream};
use crate::call::Call;
use crate::error::CallError;
use crate::query::{Query, path_segment};
use crate::request::Client;

impl Client {
    /// Its processes, as `ps` with these arguments shows them; empty for the engine's own choice.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn top_container(&self, name: &str, ps_args: &str) -> Result<ContainerTop, CallError> {
        let query = Query::new().with_text("ps_args", ps_args);
        self.value(Call::get(&of(name, "/top"), &query)).await
    }

    /// The paths that differ from its image.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn changed_paths(&self, name: &str) -> Result<List<FilesystemChange>, CallError> {
        self.value(Call::get(&of(name, "/changes"), &Query::new())).await
    }

    /// Its load, once a second, or once (which takes the engine two samples).
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn container_stats(&self, name: &str, stream: bool) -> Result<Objects, CallError> {
        let query = Query::new().with("stream", if stream { "1" } else { "0" });
        self.stream(Call::get(&of(name, "/stats"), &query))
            .await
            .map(Stream::objects)
    }
}

fn of(name: &str, rest: &str) -> String {
    format!("/containers/{}{rest}", path_segment(name))
}
