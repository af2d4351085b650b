//! Calls about volumes.

use bytes::Bytes;
use corten_api::Filters;
use corten_api::volume::{Volume, VolumeCreateBody, VolumeList};
use http::Method;

use crate::call::{Call, Upload};
use crate::error::CallError;
use crate::query::{Query, path_segment};
use crate::request::Client;

impl Client {
    /// The volumes there are.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn list_volumes(&self, filters: &Filters) -> Result<VolumeList, CallError> {
        self.value(Call::get("/volumes", &Query::new().with_filters(filters)))
            .await
    }

    /// Everything about one, as the engine wrote it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect_volume_raw(&self, name: &str) -> Result<Bytes, CallError> {
        self.bytes(Call::get(&of(name), &Query::new())).await
    }

    /// Makes one, or finds the one of that name.
    ///
    /// # Errors
    /// See [`CallError`]; 409 if the name is taken by a volume of another driver.
    pub async fn create_volume(&self, body: &VolumeCreateBody) -> Result<Volume, CallError> {
        self.value(Call::post("/volumes/create", &Query::new()).json(body)?)
            .await
    }

    /// Makes one of a tar stream. Corten's own call.
    ///
    /// # Errors
    /// See [`CallError`]; 409 if the name is taken.
    pub async fn import_volume(&self, name: &str, archive: Upload, labels: &[String]) -> Result<Volume, CallError> {
        let path = format!("/corten{}/import", of(name));
        let call = Call::post(&path, &with_labels(Query::new(), labels));
        self.value(call.upload(archive, "application/x-tar")).await
    }

    /// Makes one of another one. Corten's own call.
    ///
    /// # Errors
    /// See [`CallError`]; 409 if the name is taken.
    pub async fn clone_volume(&self, source: &str, name: &str, labels: &[String]) -> Result<Volume, CallError> {
        let path = format!("/corten{}/clone", of(source));
        let query = with_labels(Query::new().with("name", name), labels);
        self.value(Call::post(&path, &query)).await
    }

    /// Removes one.
    ///
    /// # Errors
    /// See [`CallError`]; 409 if a container uses it, 404 if it is not there and `force` is not set.
    pub async fn remove_volume(&self, name: &str, force: bool) -> Result<(), CallError> {
        let query = Query::new().with_flag("force", force);
        self.done(Call::new(Method::DELETE, &of(name), &query)).await
    }
}

fn with_labels(query: Query, labels: &[String]) -> Query {
    labels.iter().fold(query, |query, label| query.with("label", label))
}

fn of(name: &str) -> String {
    format!("/volumes/{}", path_segment(name))
}
