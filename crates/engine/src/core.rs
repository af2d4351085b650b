//! What all nouns of one engine share: settings, stores, registries. No logic.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};

use corten_base::{ContainerId, Timestamp};
use corten_image::Store;
use corten_net::BridgeNetwork;
use corten_runtime::host::Host;
use tokio::sync::{Semaphore, oneshot};

use crate::Config;
use crate::claim::Claim;
use crate::container::Container;
use crate::container::registry::Registry;
use crate::error::{Error, Result};
use crate::event::bus::Bus;
use crate::exec::registry::ExecRegistry;
use crate::hold::Hold;
use crate::identity::Mapping;
use crate::logs::compress::Packing;
use crate::network::link::LinkIndex;
use crate::network::registry::Networks;
use crate::prune::Pruning;
use crate::reload::Changing;
use crate::stats::SystemClock;
use crate::tally::Tally;
use crate::volume::Volumes;

/// The shared parts.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) images: Store,
    pub(crate) bridge: Option<Arc<BridgeNetwork>>,
    pub(crate) networks: Networks,
    pub(crate) links: LinkIndex,
    pub(crate) host: Host,
    pub(crate) containers: Registry,
    pub(crate) execs: ExecRegistry,
    pub(crate) volumes: Volumes,
    pub(crate) events: Bus,
    pub(crate) stats: SystemClock,
    pub(crate) pruning: Pruning,
    /// Rotated logs that wait to be compressed.
    pub(crate) packing: Packing,
    /// Names this installation in `info`; a UUID.
    pub(crate) id: String,
    /// Its run directory is nobody else's.
    pub(crate) _claim: Claim,
    /// The default network's id, which lasts as long as the data directory.
    pub(crate) network_id: String,
    pub(crate) opened_at: Timestamp,
    /// Places for archives that clients send or take.
    pub(crate) transfers: Semaphore,
    /// Settings that a reload changes.
    pub(crate) changing: RwLock<Changing>,
    /// What is counted as it happens.
    pub(crate) tally: Arc<Tally>,
    /// Who the users of containers are that do not say otherwise (`--userns-remap`).
    pub(crate) remapped: Option<Mapping>,
    /// Policies restart nothing any more.
    pub(crate) closing: AtomicBool,
    /// Containers that the recovery removes because they ended while no engine was there: whoever waits for one comes
    /// back for its exit code.
    pub(crate) departed: Mutex<Vec<Arc<Container>>>,
    /// Keeps other engines from the data directory.
    pub(crate) _hold: Hold,
}

impl Core {
    /// A container that somebody may wait for: one that there is, or by its full id one of [`Self::departed`].
    pub(crate) fn awaited(&self, reference: &str) -> Result<Arc<Container>> {
        self.containers.find(reference).or_else(|missing| {
            let departed = self.departed.lock().unwrap_or_else(PoisonError::into_inner);
            let found = departed.iter().find(|container| container.id.as_str() == reference);
            found.cloned().ok_or(missing)
        })
    }

    /// Nobody comes for them any more.
    pub(crate) fn forget_departed(&self) {
        self.departed.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Keeps one for those who wait.
    pub(crate) fn remember_departed(&self, container: &Arc<Container>) {
        let mut departed = self.departed.lock().unwrap_or_else(PoisonError::into_inner);
        departed.push(Arc::clone(container));
    }

    /// `<data>/containers`.
    pub(crate) fn containers_directory(&self) -> PathBuf {
        self.config.data.join("containers")
    }

    /// `<data>/containers/<id>`.
    pub(crate) fn container_directory(&self, id: &ContainerId) -> PathBuf {
        self.containers_directory().join(id.as_str())
    }

    /// `<run>/containers`.
    pub(crate) fn runs_directory(&self) -> PathBuf {
        self.config.run.join("containers")
    }

    /// `<run>/containers/<id>`.
    pub(crate) fn run_directory(&self, id: &ContainerId) -> PathBuf {
        self.runs_directory().join(id.as_str())
    }
}

/// Runs blocking work on the blocking pool: the one boundary where such work leaves the async world.
pub(crate) async fn blocking<T, F>(core: &Arc<Core>, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Core) -> Result<T> + Send + 'static,
{
    let core = Arc::clone(core);
    match tokio::task::spawn_blocking(move || work(&core)).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal(format!("a worker ended early: {error}"))),
    }
}

/// Most archives that clients send or take at one time; more wait.
const TRANSFERS: usize = 64;

/// The places of archives on their way.
pub(crate) fn transfers() -> Semaphore {
    Semaphore::new(TRANSFERS)
}

/// As [`blocking`] for work that waits for a client in between: on a thread of its own, because clients that
/// stand still would soon hold all those of the pool, and with them everybody else.
pub(crate) async fn transferring<T, F>(core: &Arc<Core>, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Core) -> Result<T> + Send + 'static,
{
    let failed = |why: &dyn std::fmt::Display| Error::internal(format!("a transfer ended early: {why}"));
    let _place = core.transfers.acquire().await.map_err(|error| failed(&error))?;
    let (done, result) = oneshot::channel();
    let own = Arc::clone(core);
    std::thread::Builder::new()
        .name("transfer".to_owned())
        .stack_size(TRANSFER_STACK_BYTES)
        .spawn(move || drop(done.send(work(&own))))
        .map_err(|error| failed(&error))?;
    result.await.map_err(|error| failed(&error))?
}

/// As the pool's threads have.
const TRANSFER_STACK_BYTES: usize = 1 << 20;

/// 32 bytes from the kernel's random source.
pub(crate) fn random_bytes() -> [u8; 32] {
    static SOURCE: LazyLock<File> =
        LazyLock::new(|| File::open("/dev/urandom").expect("every Linux system has its random device"));
    let mut bytes = [0; 32];
    (&*SOURCE)
        .read_exact(&mut bytes)
        .expect("the random device never ends and never fails");
    bytes
}
