//! SIGHUP: the configuration file is read again, and what may change changes. What cannot be used is said in
//! the log, and nothing changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use corten_engine::Engine;
use tracing::level_filters::LevelFilter;

use crate::log;
use crate::notify::notify;
use crate::settings::{Fixed, Live, Proxies, Settings, Source, Transport};

/// The settings of a running daemon that others than its start look at.
#[derive(Debug)]
pub struct Current {
    live: RwLock<Live>,
    fixed: Fixed,
    proxies: Proxies,
    level: LevelFilter,
    source: Source,
    transport: Transport,
    run: PathBuf,
    experimental: bool,
}

impl Current {
    /// The settings at the start; `engine` knows the host's defaults.
    #[must_use]
    pub fn new(settings: &Settings, cgroupns_mode: &str) -> Self {
        Self {
            live: RwLock::new(settings.live.clone()),
            fixed: Fixed {
                cgroupns_mode: cgroupns_mode.to_owned(),
                ipc_mode: settings.engine.ipc_mode.clone(),
                shm_size_bytes: settings.engine.shm_size_bytes,
                live_restore: settings.engine.live_restore,
            },
            proxies: settings.proxies.clone(),
            level: settings.level,
            source: settings.source.clone(),
            transport: settings.transport.clone(),
            run: settings.engine.run.clone(),
            experimental: settings.experimental,
        }
    }

    /// What may change, as it is now.
    #[must_use]
    pub fn live(&self) -> Live {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What outgoing calls go through.
    #[must_use]
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Where clients connect.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The directory of files that do not outlast the host.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// Whether experimental features were asked for.
    #[must_use]
    pub fn is_experimental(&self) -> bool {
        self.experimental
    }

    /// The settings as Docker names them.
    #[must_use]
    pub fn attributes(&self) -> BTreeMap<&'static str, String> {
        self.live().attributes(&self.fixed)
    }

    /// Reads the file again. Texts: observed, dockerd 28.5.
    pub fn reload(&self, engine: &Engine) {
        let file = self.source.path().display();
        tracing::info!(config_file = %file, "Got signal to reload configuration");
        notify(&reloading());
        match self.source.values() {
            Err(error) => tracing::error!(error = format!("{error:#}"), "Error reloading configuration"),
            Ok(values) => {
                let new = self.live().reloaded(&values);
                *self.live.write().unwrap_or_else(PoisonError::into_inner) = new.clone();
                log::set_level(level(self.level, &new));
                let attributes = new.attributes(&self.fixed);
                let config = serde_json::to_string(&attributes).unwrap_or_default();
                engine.reload(new.labels().to_vec(), new.live_restore(), attributes);
                tracing::info!(config, "Reloaded configuration");
            }
        }
        notify("READY=1");
    }
}

/// Debug mode says at least what `debug` says.
#[must_use]
pub fn level(usual: LevelFilter, live: &Live) -> LevelFilter {
    if live.debug() {
        usual.max(LevelFilter::DEBUG)
    } else {
        usual
    }
}

/// What the service manager is told before (sd_notify(3)).
fn reloading() -> String {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
    format!("RELOADING=1\nMONOTONIC_USEC={micros}")
}
