//! The end of an installation: what the engine keeps in the kernel and in the run directory for its next
//! start is removed. Nothing below the data directory is touched.

use std::fs;
use std::io;
use std::path::Path;

use corten_runtime::host::{Host, ProbeError};
use corten_shim::spawn::SOCKET_NAME;

use crate::Config;

/// Something cannot be removed; what was removed before stays so.
#[derive(Debug, thiserror::Error)]
pub enum UninstallError {
    /// Containers go on, and would lose their network.
    #[error(
        "containers still run: {}; stop them first (start the daemon, then: corten stop $(corten ps -q))",
        .0.join(", ")
    )]
    Running(Vec<String>),
    /// The network's bridge, table or setting.
    #[error("cannot remove the network {bridge}")]
    Network {
        /// Its bridge.
        bridge: String,
        /// Why.
        #[source]
        source: Box<corten_net::sandbox::OpenError>,
    },
    /// The host's control groups cannot be found.
    #[error("cannot probe the host")]
    Host(#[from] ProbeError),
    /// A directory of the run directory.
    #[error("cannot remove {path}")]
    Directory {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Removes the default network, the empty group above the containers', and what is left of runs. The caller
/// makes sure that no daemon lives.
///
/// # Errors
/// A container runs, or a step fails.
pub fn uninstall(config: &Config) -> Result<(), UninstallError> {
    let runs = config.run.join("containers");
    let running = running(&runs);
    if !running.is_empty() {
        return Err(UninstallError::Running(running));
    }
    if let Some(bridge) = &config.bridge {
        corten_net::uninstall::remove_network(bridge.clone()).map_err(|source| UninstallError::Network {
            bridge: bridge.bridge.clone(),
            source: Box::new(source),
        })?;
    }
    if !config.cgroup_parent_is_given {
        crate::recovery::remove_parent_group(&Host::probe()?, &config.cgroup_parent);
    }
    match fs::remove_dir_all(&runs) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(UninstallError::Directory { path: runs, source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Short ids of the containers whose shims answer to a connection.
fn running(runs: &Path) -> Vec<String> {
    let mut running = Vec::new();
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        if corten_sys::socket::connect_unix(&entry.path().join(SOCKET_NAME)).is_ok() {
            let name = entry.file_name().to_string_lossy().into_owned();
            running.push(name.chars().take(12).collect());
        }
    }
    running
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_whose_shim_listens_runs() {
        let directory = tempfile::tempdir().expect("a directory");
        for id in ["0123456789abcdef", "fedcba9876543210"] {
            fs::create_dir(directory.path().join(id)).expect("a directory");
        }
        let socket = directory.path().join("0123456789abcdef").join(SOCKET_NAME);
        let listener = std::os::unix::net::UnixListener::bind(socket).expect("a socket");
        assert_eq!(running(directory.path()), ["0123456789ab"]);
        drop(listener);
        assert!(running(directory.path()).is_empty());
        assert!(running(Path::new("/does/not/exist")).is_empty());
    }
}
