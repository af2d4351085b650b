//! Other limits for groups that exist (runtime-spec config-linux.md#control-groups).

use std::fs;
use std::path::PathBuf;

use oci_spec::runtime::LinuxResources;

use super::make::{is_lacking, write_file};
use super::with_controller;
use crate::compile::{PlanError, limits, scope_limits};
use crate::plan::Cgroup;
use crate::scope::ScopeError;

/// Limits could not be changed; those that were are as before.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The limits make no sense.
    #[error(transparent)]
    Limits(#[from] PlanError),
    /// The service manager has not taken them.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// The kernel refused a value.
    #[error("failed to write {value:?} to {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What it was to hold.
        value: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// A write with what takes it back.
struct Change {
    path: PathBuf,
    value: String,
    before: Option<String>,
    optional: bool,
}

/// Writes the limits that are set; all of them or none. Device rules stay as they are.
///
/// systemd is told too, else it would write what it knows at its next reload; since it rounds, the limits are
/// written once more after it.
pub fn update(cgroup: &Cgroup, resources: &LinuxResources) -> Result<(), UpdateError> {
    let done = write_all(cgroup, resources)?;
    let Some(scope) = &cgroup.scope else { return Ok(()) };
    if let Err(error) = crate::scope::set(scope, &scope_limits(cgroup.layout, resources)?) {
        take_back(&done);
        return Err(error.into());
    }
    for change in &done {
        // The kernel has taken it a moment ago.
        write_file(&change.path, &change.value).unwrap_or_default();
    }
    Ok(())
}

fn write_all(cgroup: &Cgroup, resources: &LinuxResources) -> Result<Vec<Change>, UpdateError> {
    let mut waiting = Vec::new();
    for (controller, write) in limits(cgroup.layout, resources)? {
        // A host without the controller limits nothing, as at the container's start.
        let Some(directory) = with_controller(cgroup, &controller) else {
            continue;
        };
        let path = directory.absolute().join(&write.file);
        waiting.push(Change {
            before: fs::read_to_string(&path).ok().map(|text| text.trim().to_owned()),
            value: write.value,
            optional: write.optional,
            path,
        });
    }
    let mut done: Vec<Change> = Vec::new();
    // Memory alone must never be above memory with swap, on the way either: what fails for that is tried
    // again after the others.
    loop {
        let before = waiting.len();
        let mut refused = None;
        let mut again = Vec::new();
        for change in waiting {
            match write_file(&change.path, &change.value) {
                Ok(()) => done.push(change),
                Err(error) if change.optional && is_lacking(&error) => {}
                Err(error) => {
                    refused = Some(error);
                    again.push(change);
                }
            }
        }
        let Some(source) = refused else { return Ok(done) };
        if again.len() == before {
            take_back(&done);
            let Some(Change { path, value, .. }) = again.pop() else {
                return Ok(done);
            };
            return Err(UpdateError::Write { path, value, source });
        }
        waiting = again;
    }
}

fn take_back(done: &[Change]) {
    // Twice, for the same reason as above; what the kernel refuses now has no better place to be reported.
    for _ in 0..2 {
        for change in done.iter().rev() {
            if let Some(before) = &change.before {
                write_file(&change.path, before).unwrap_or_default();
            }
        }
    }
}
