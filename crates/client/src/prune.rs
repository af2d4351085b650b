//! Calls that remove what nobody uses.

use corten_api::Filters;
use corten_api::container::ContainerPruneReport;
use corten_api::image::ImagePruneReport;
use corten_api::network::NetworkPruneReport;
use corten_api::system::BuildPruneReport;
use corten_api::volume::VolumePruneReport;

use crate::call::Call;
use crate::error::CallError;
use crate::query::Query;
use crate::request::Client;

impl Client {
    /// Removes stopped containers.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn prune_containers(&self, filters: &Filters) -> Result<ContainerPruneReport, CallError> {
        self.value(Call::post("/containers/prune", &Query::new().with_filters(filters)))
            .await
    }

    /// Removes images without a name, or with `dangling=false` all that no container uses.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn prune_images(&self, filters: &Filters) -> Result<ImagePruneReport, CallError> {
        self.value(Call::post("/images/prune", &Query::new().with_filters(filters)))
            .await
    }

    /// Removes networks that no container is on.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn prune_networks(&self, filters: &Filters) -> Result<NetworkPruneReport, CallError> {
        self.value(Call::post("/networks/prune", &Query::new().with_filters(filters)))
            .await
    }

    /// Removes anonymous volumes that no container uses, or with `all=true` named ones too.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn prune_volumes(&self, filters: &Filters) -> Result<VolumePruneReport, CallError> {
        self.value(Call::post("/volumes/prune", &Query::new().with_filters(filters)))
            .await
    }

    /// Removes records of the builder's cache, all but `keep_bytes` if that is not 0.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn prune_builds(
        &self,
        all: bool,
        keep_bytes: u64,
        filters: &Filters,
    ) -> Result<BuildPruneReport, CallError> {
        let mut query = Query::new().with_flag("all", all).with_filters(filters);
        if keep_bytes > 0 {
            query = query.with("keep-storage", &keep_bytes.to_string());
        }
        self.value(Call::post("/build/prune", &query)).await
    }
}
