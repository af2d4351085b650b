//! Where the log of a container is and how it is kept: one answer for who writes it, reads it and compresses it.
//!
//! ```text
//! <data>/containers/<id>/<id>-json.log           json-file
//!                        local-logs/container.log  local
//!                        container-cached.log      syslog, journald: for `logs`, and until it is sent on
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use corten_shim::log::Format;
use corten_shim::protocol::Log;

use super::attributes::Facts;
use super::options::{self, Driver};
use crate::container::{Container, record};
use crate::core::Core;
use crate::error::{Error, Result};

/// The log of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The current file.
    pub(crate) path: PathBuf,
    /// How records are written.
    pub(crate) format: Format,
    /// Rotated files are compressed.
    pub(crate) compressed: bool,
    /// `logs` may read it.
    pub(crate) readable: bool,
}

/// The log of a container that has one; options that are wrong are as if it had none.
pub(crate) fn of(core: &Core, container: &Container) -> Option<Place> {
    let log = &container.effective.host.log_config;
    let driver = Driver::named(&log.kind)?;
    let keeping = options::keeping(driver, &log.config).ok()?;
    let directory = core.container_directory(&container.id);
    let (path, format) = match driver {
        Driver::None => return None,
        Driver::JsonFile => (record::log_path(&directory, &container.id), Format::JsonLines),
        Driver::Local => (directory.join("local-logs/container.log"), Format::Local),
        Driver::Syslog | Driver::Journald => (directory.join("container-cached.log"), Format::Local),
    };
    let is_cache = matches!(driver, Driver::Syslog | Driver::Journald);
    Some(Place {
        path,
        format,
        compressed: keeping.compressed,
        readable: !(is_cache && options::is_cache_disabled(&log.config)),
    })
}

/// What the shim is told of the log. Makes the directory it is in.
pub(crate) fn for_shim(core: &Core, container: &Container) -> Result<Log> {
    let log = &container.effective.host.log_config;
    let failed = |reason: &dyn std::fmt::Display| not_initialized(reason);
    let driver = options::check(&log.kind, &log.config).map_err(|error| failed(&error))?;
    let keeping = options::keeping(driver, &log.config).map_err(|error| failed(&error))?;
    let Some(place) = of(core, container) else {
        return Ok(Log::None);
    };
    let (max_size_bytes, max_files) = (keeping.max_size_bytes, keeping.max_files);
    if driver == Driver::JsonFile {
        let attributes = facts(container, &place.path.display().to_string(), |facts| facts.recorded());
        return Ok(Log::JsonFile {
            path: place.path,
            max_size_bytes,
            max_files,
            attributes: attributes.map_err(|error| failed(&error))?,
        });
    }
    make_directory(&place.path).map_err(|error| failed(&error))?;
    Ok(Log::Local {
        path: place.path,
        max_size_bytes,
        max_files,
    })
}

fn make_directory(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// The failure of a start because of its log. Text and status observed: dockerd 28.5.
pub(crate) fn not_initialized(reason: &dyn std::fmt::Display) -> Error {
    Error::internal(format!(
        "failed to create task for container: failed to initialize logging driver: {reason}"
    ))
}

/// What tags and attributes are made of, for the length of a call.
pub(crate) fn facts<T>(container: &Container, log_path: &str, ask: impl FnOnce(&Facts<'_>) -> T) -> T {
    let config = &container.effective.config;
    let command: Vec<String> = config.entrypoint.iter().chain(config.cmd.iter()).cloned().collect();
    let (entrypoint, arguments) = command
        .split_first()
        .map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    ask(&Facts {
        options: &container.effective.host.log_config.config,
        id: container.id.as_str(),
        name: &container.name(),
        entrypoint,
        arguments,
        image_id: &container.record.image_text(),
        image_name: &config.image,
        created: container.record.created,
        env: &config.env,
        labels: &config.labels,
        log_path,
    })
}
