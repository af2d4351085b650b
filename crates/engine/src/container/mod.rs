//! Containers: what they are asked to be, how they live, what is told of them.
//!
//! One [`Container`] per container, shared by everybody: immutable facts, the published [`View`], and
//! the mailbox of its owner task, which alone changes its life.

pub(crate) mod actions;
pub mod attach;
pub(crate) mod block_io;
pub mod capability;
pub mod change;
pub(crate) mod clients;
pub mod cpuset;
pub(crate) mod create;
pub(crate) mod devices;
mod early;
pub mod effective;
pub mod ending;
mod farewell;
pub mod filter;
pub(crate) mod inspect;
pub(crate) mod joins;
pub(crate) mod links;
pub(crate) mod list;
mod meant;
pub mod mounts;
pub mod name;
mod namespaces;
pub(crate) mod owner;
pub mod phase;
pub mod ports;
pub mod record;
pub(crate) mod registry;
pub(crate) mod remove;
pub mod restart;
pub(crate) mod run;
pub(crate) mod shared_memory;
pub mod signal;
mod sources;
pub mod spec;
pub(crate) mod start;
pub mod status;
pub(crate) mod stop;
pub mod validate;
pub mod wait;
mod way_out;
pub mod wiring;

use std::sync::{Arc, PoisonError, RwLock};

use corten_api::container::HostConfig;
use corten_base::ContainerId;
use tokio::sync::{mpsc, watch};

use crate::error::{Error, Result};
use crate::shim::ShimHandle;
use change::Changes;
use clients::Clients;
use effective::Effective;
use farewell::Farewell;
use owner::Message;
use phase::Life;
use record::Record;
use run::RunRecord;
use wiring::Wiring;

/// Messages that may wait for an owner; then the sender waits.
pub(crate) const MAILBOX_LIMIT: usize = 64;

/// One container.
pub(crate) struct Container {
    pub(crate) id: ContainerId,
    pub(crate) record: Record,
    pub(crate) effective: Effective,
    pub(crate) mailbox: mpsc::Sender<Message>,
    pub(crate) view: watch::Receiver<Arc<View>>,
    pub(crate) clients: Arc<Clients>,
    /// Who waits for its removal.
    pub(crate) farewell: Farewell,
    /// Who has its files open.
    pub(crate) gate: crate::files::Gate,
    /// What its health checks say.
    pub(crate) health: crate::health::Keeper,
    /// What was changed since its creation; locked only for the moment of a look.
    changes: RwLock<Arc<Changes>>,
    /// The networks it is to be on; changed by the owner alone.
    wiring: RwLock<Wiring>,
    /// Its row of the list.
    listed: list::Kept,
}

/// What readers see of a container: replaced as a whole whenever something changes.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) life: Life,
    /// What belongs to the present run.
    pub(crate) run: Option<Arc<RunRecord>>,
    /// How many runs, or attempts at one, have ended since the daemon started.
    pub(crate) exits: u64,
    /// It is gone; nothing follows.
    pub(crate) removed: bool,
}

impl Container {
    /// What was changed since its creation.
    pub(crate) fn changes(&self) -> Arc<Changes> {
        Arc::clone(&self.changes.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_changes(&self, changes: Changes) {
        *self.changes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(changes);
    }

    /// Its name, without slash.
    pub(crate) fn name(&self) -> String {
        self.changes().name.clone().unwrap_or_else(|| self.record.name.clone())
    }

    /// The host's part of what holds now.
    pub(crate) fn host_now(&self) -> HostConfig {
        let mut host = self.effective.host.clone();
        self.changes().apply(&mut host);
        host
    }

    /// The present state.
    pub(crate) fn look(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// The networks it is to be on.
    pub(crate) fn wiring(&self) -> Wiring {
        Arc::clone(&self.wiring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The owner has recorded other ones.
    pub(crate) fn set_wiring(&self, endpoints: Vec<wiring::Asked>) {
        *self.wiring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(endpoints);
    }

    /// The connection to the shim of a running container.
    pub(crate) fn shim(&self) -> Option<ShimHandle> {
        self.clients.shim()
    }

    /// Sends the owner a message.
    pub(crate) async fn tell(&self, message: Message) -> Result<()> {
        self.mailbox.send(message).await.map_err(|_gone| self.gone())
    }

    /// The error for a container that was removed in the meantime.
    pub(crate) fn gone(&self) -> Error {
        Error::not_found(format!("No such container: {}", self.id))
    }
}
