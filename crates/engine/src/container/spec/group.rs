//! A container's control groups: where they are, and other limits for those that exist.

use corten_api::container::HostConfig;
use corten_runtime::cgroup::UpdateError;
use corten_runtime::compile::PlanError;
use corten_runtime::plan::Cgroup;

use crate::config::Config;
use crate::error::{Error, Result};

/// The container's group below its parent, from each hierarchy's root. As in Docker, `..` leads nowhere above it.
/// For systemd its slice and the two parts of its scope's name.
pub(super) fn path(parent: &str, settings: &Config, id: &str) -> String {
    if settings.uses_systemd() {
        let slice = if parent.is_empty() { &settings.slice } else { parent };
        return format!("{slice}:docker:{id}");
    }
    let parent = if parent.is_empty() {
        &settings.cgroup_parent
    } else {
        parent
    };
    let parent = crate::container::mounts::clean(&format!("/{parent}"));
    format!("{}/{id}", parent.trim_end_matches('/'))
}

/// Puts the limits of `host` into force for a container that runs.
///
/// # Errors
/// The kernel refuses one; then none is changed.
pub(crate) fn limit(cgroup: &Cgroup, host: &HostConfig) -> Result<()> {
    let failed = |error: &dyn std::error::Error| Error::internal(crate::error::chain(error));
    let limits = serde_json::from_value(super::resources::limits(host)).map_err(|error| failed(&error))?;
    corten_runtime::cgroup::update(cgroup, &limits).map_err(|error| match error {
        UpdateError::Limits(PlanError::Limit(message)) => {
            Error::internal(format!("runc did not terminate successfully: exit status 1: {message}"))
        }
        error => failed(&error),
    })
}
