//! Opening an engine: directories, identity, stores, network, recovery.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use corten_base::Timestamp;
use corten_base::file::write_durable;
use corten_base::id::hex;
use corten_image::Store;
use corten_runtime::host::Host;
use corten_runtime::plan::Layout;

use crate::claim::Claim;
use crate::container::registry::Registry;
use crate::container::validate::is_slice;
use crate::core::{Core, random_bytes, transfers};
use crate::engine::OpenError;
use crate::error::Error;
use crate::event::bus::Bus;
use crate::exec::registry::ExecRegistry;
use crate::hold::Hold;
use crate::identity;
use crate::network::link::LinkIndex;
use crate::network::registry::Networks;
use crate::recovery;
use crate::reload::Changing;
use crate::tally::Tally;
use crate::volume::Volumes;
use crate::{CgroupDriver, Config};

/// Opens everything and recovers.
pub(crate) async fn open(config: Config) -> Result<Arc<Core>, OpenError> {
    let opened = tokio::task::spawn_blocking(move || open_parts(config)).await;
    let core = Arc::new(opened.map_err(|error| OpenError::Recovery(Error::caused("open", error)))??);
    recovery::recover(&core).await.map_err(OpenError::Recovery)?;
    crate::network::vigil::keep(&core).await;
    Ok(core)
}

fn open_parts(mut config: Config) -> Result<Core, OpenError> {
    let host = Host::probe()?;
    let driver = cgroup_driver(config.cgroup_driver, &host, corten_runtime::scope::is_available())?;
    if driver == CgroupDriver::Systemd && !is_slice(&config.slice) {
        return Err(OpenError::NoSlice);
    }
    config.cgroup_driver = Some(driver);
    let remap = identity::resolve(&config.userns_remap).map_err(OpenError::Remap)?;
    if let Some(remap) = &remap {
        // As in Docker, each mapping has data of its own.
        make(&config.data).map_err(|source| OpenError::Directory {
            path: config.data.clone(),
            source,
        })?;
        config.data.push(&remap.directory);
    }
    let log_options = config.log_options.clone().into_iter().collect();
    crate::logs::options::check(&config.log_driver, &log_options).map_err(|error| OpenError::Log(error.to_string()))?;
    make_closed(&config.data).map_err(|source| OpenError::Directory {
        path: config.data.clone(),
        source,
    })?;
    let hold = Hold::take(&config.data)?;
    for directory in [
        config.data.join("containers"),
        config.run.clone(),
        config.run.join("containers"),
    ] {
        make(&directory).map_err(|source| OpenError::Directory {
            path: directory,
            source,
        })?;
    }
    let id = identity(&config.data.join("engine-id"), uuid)?;
    let claim = Claim::take(&config.run, &id, &config.data, || recovery::running(&config.run))?;
    let network_id = identity(&config.data.join("network-id"), || hex(&random_bytes()))?;
    let (images, networks) = std::thread::scope(|scope| {
        let networks = scope.spawn(|| Networks::open(&config, &network_id));
        let images = Store::open(&config.data.join("images"));
        (images, networks.join().expect("opening networks does not panic"))
    });
    let (images, (networks, bridge)) = (images?, networks?);
    if let Some(bridge) = &bridge {
        if config
            .bridge
            .as_ref()
            .is_some_and(|asked| asked.bridge != bridge.bridge())
        {
            tracing::warn!(bridge = bridge.bridge(), "another daemon has the usual bridge");
        }
        config.bridge = Some(bridge.config().clone());
    }
    let root = config.data.join("volumes");
    let volumes = Volumes::open(root.clone()).map_err(|source| OpenError::Directory { path: root, source })?;
    let tally = Arc::new(Tally::default());
    let root = config.data.join("events");
    let events = match Bus::open(root.clone(), Arc::clone(&tally)) {
        // With a full disk one must still be able to remove what fills it.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            tracing::error!(%error, path = %root.display(), "the history of events is not kept until the daemon starts again");
            Bus::without_history(Arc::clone(&tally))
        }
        opened => opened.map_err(|source| OpenError::Directory { path: root, source })?,
    };
    Ok(Core {
        _hold: hold,
        departed: Mutex::default(),
        images,
        bridge,
        networks,
        links: LinkIndex::default(),
        remapped: remap.map(|remap| remap.mapping),
        host,
        containers: Registry::default(),
        execs: ExecRegistry::default(),
        volumes,
        stats: crate::stats::SystemClock::new(),
        pruning: crate::prune::Pruning::default(),
        packing: crate::logs::compress::Packing::new(),
        events,
        tally,
        id,
        _claim: claim,
        network_id,
        opened_at: Timestamp::now(),
        transfers: transfers(),
        changing: Changing::of(&config).into(),
        closing: AtomicBool::new(false),
        config,
    })
}

/// Who makes control groups, given what was asked for and whether systemd is there.
fn cgroup_driver(asked: Option<CgroupDriver>, host: &Host, systemd: bool) -> Result<CgroupDriver, OpenError> {
    match asked {
        Some(CgroupDriver::Systemd) if !systemd => Err(OpenError::NoSystemd),
        Some(driver) => Ok(driver),
        None if systemd && host.layout == Layout::V2 => Ok(CgroupDriver::Systemd),
        None => Ok(CgroupDriver::Cgroupfs),
    }
}

/// As [`make`], and users of the host may not pass, so that nothing below needs to be guarded one by one: set-user-id
/// programs of containers above all.
fn make_closed(directory: &Path) -> io::Result<()> {
    make(directory)?;
    let mode = fs::metadata(directory)?.permissions().mode();
    if mode & 0o007 == 0 {
        return Ok(());
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(mode & 0o770))
}

fn make(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o711).create(directory)
}

/// A line of text that lasts as long as the data directory.
fn identity(path: &PathBuf, new: impl FnOnce() -> String) -> Result<String, OpenError> {
    let failed = |source| OpenError::Directory {
        path: path.clone(),
        source,
    };
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(_) | Err(_) => {}
    }
    let text = new();
    write_durable(path, format!("{text}\n").as_bytes()).map_err(failed)?;
    Ok(text)
}

/// A random UUID, version 4.
fn uuid() -> String {
    let mut bytes = random_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..32]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_makes_control_groups() {
        use CgroupDriver::{Cgroupfs, Systemd};
        for (asked, layout, systemd, wanted) in [
            (None, Layout::V2, true, Some(Systemd)),
            (None, Layout::V2, false, Some(Cgroupfs)),
            (None, Layout::V1, true, Some(Cgroupfs)),
            (Some(Cgroupfs), Layout::V2, true, Some(Cgroupfs)),
            (Some(Systemd), Layout::V1, true, Some(Systemd)),
            (Some(Systemd), Layout::V2, false, None),
        ] {
            let host = Host {
                layout,
                ..Host::default()
            };
            assert_eq!(
                cgroup_driver(asked, &host, systemd).ok(),
                wanted,
                "{asked:?} {layout:?} {systemd}"
            );
        }
    }
}
