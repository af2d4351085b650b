//! Calls about networks.

use bytes::Bytes;
use corten_api::Filters;
use corten_api::network::{
    Network, NetworkConnectBody, NetworkCreateBody, NetworkCreateResponse, NetworkDisconnectBody,
};
use http::Method;

use crate::call::Call;
use crate::error::CallError;
use crate::query::{Query, path_segment};
use crate::request::Client;

impl Client {
    /// The networks there are.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn list_networks(&self, filters: &Filters) -> Result<Vec<Network>, CallError> {
        self.value(Call::get("/networks", &Query::new().with_filters(filters)))
            .await
    }

    /// Everything about one.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect_network(&self, name: &str) -> Result<Network, CallError> {
        self.value(Call::get(&of(name, ""), &Query::new())).await
    }

    /// The same as the engine wrote it; `verbose` adds what swarm knows of it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect_network_raw(&self, name: &str, verbose: bool) -> Result<Bytes, CallError> {
        let query = Query::new().with_text("verbose", if verbose { "true" } else { "" });
        self.bytes(Call::get(&of(name, ""), &query)).await
    }

    /// Makes one.
    ///
    /// # Errors
    /// See [`CallError`]; 409 if the name is taken.
    pub async fn create_network(&self, body: &NetworkCreateBody) -> Result<NetworkCreateResponse, CallError> {
        self.value(Call::post("/networks/create", &Query::new()).json(body)?)
            .await
    }

    /// Removes one.
    ///
    /// # Errors
    /// See [`CallError`]; 403 if a container is on it.
    pub async fn remove_network(&self, name: &str) -> Result<(), CallError> {
        self.done(Call::new(Method::DELETE, &of(name, ""), &Query::new())).await
    }

    /// Puts a container on it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn connect_network(&self, name: &str, body: &NetworkConnectBody) -> Result<(), CallError> {
        self.done(Call::post(&of(name, "/connect"), &Query::new()).json(body)?)
            .await
    }

    /// Takes a container off it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn disconnect_network(&self, name: &str, body: &NetworkDisconnectBody) -> Result<(), CallError> {
        self.done(Call::post(&of(name, "/disconnect"), &Query::new()).json(body)?)
            .await
    }
}

fn of(name: &str, rest: &str) -> String {
    format!("/networks/{}{rest}", path_segment(name))
}
