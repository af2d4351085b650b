//! Overlay roots: by the new mount interface, on older kernels by mount(2).
//!
//! `lowerdir+` (Linux 6.7) takes one layer at a time. Before that all layers are one string, of which
//! fsconfig takes 255 bytes and mount(2) a page: there the layers are named relative to the
//! directory that all of them share, and the process stands in it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, open_tree,
};

use crate::failure::{Context, CreateError};
use crate::plan::Parameter;

/// What is stacked.
pub(super) struct Layers<'plan> {
    pub(super) lower: &'plan [PathBuf],
    pub(super) upper: &'plan Path,
    pub(super) work: &'plan Path,
    pub(super) options: &'plan [Parameter],
}

/// How the overlay came to be.
pub(super) enum Mounted {
    /// Detached, still to be attached.
    Detached(OwnedFd),
    /// Already attached on top of its scratch directory, in this mount namespace only.
    Attached(OwnedFd),
}

/// Parameters that hold for every overlay: `trusted.overlay.redirect` of an image must not lead
/// out of its layers, and an index refuses uppers that were copied.
const ALWAYS: [(&str, &str); 2] = [("redirect_dir", "nofollow"), ("index", "off")];

/// Mounts `layers`.
pub(super) fn mount(layers: &Layers<'_>) -> Result<Mounted, CreateError> {
    if corten_sys::overlay::takes_layers_one_by_one() {
        mount_by_layer(layers).map(Mounted::Detached)
    } else {
        mount_by_string(layers).map(Mounted::Attached)
    }
}

fn mount_by_layer(layers: &Layers<'_>) -> Result<OwnedFd, CreateError> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).internal(|| "open overlay")?;
    // What df and mount show as the device.
    fsconfig_set_string(context.as_fd(), "source", "overlay").internal(|| "overlay source")?;
    for layer in layers.lower {
        fsconfig_set_string(context.as_fd(), "lowerdir+", layer)
            .invalid(|| format!("overlay layer {}", layer.display()))?;
    }
    fsconfig_set_string(context.as_fd(), "upperdir", layers.upper)
        .invalid(|| format!("overlay upper {}", layers.upper.display()))?;
    fsconfig_set_string(context.as_fd(), "workdir", layers.work)
        .invalid(|| format!("overlay work {}", layers.work.display()))?;
    for (key, value) in ALWAYS {
        fsconfig_set_string(context.as_fd(), key, value).internal(|| format!("overlay {key}"))?;
    }
    for Parameter { key, value } in layers.options {
        match value {
            Some(value) => fsconfig_set_string(context.as_fd(), key, value),
            None => fsconfig_set_flag(context.as_fd(), key),
        }
        .invalid(|| format!("overlay {key}"))?;
    }
    fsconfig_create(context.as_fd()).internal(|| format!("mount overlay{}", crate::inside::mount::log(&context)))?;
    let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty());
    mount.internal(|| "mount overlay")
}

fn mount_by_string(layers: &Layers<'_>) -> Result<OwnedFd, CreateError> {
    let shared = shared_directory(layers.lower);
    rustix::process::chdir(&shared).invalid(|| format!("enter {}", shared.display()))?;
    let data = std::ffi::CString::new(joined_options(layers, &shared))
        .map_err(|_| CreateError::invalid("overlay layer with a zero byte"))?;
    rustix::mount::mount(
        "overlay",
        layers.work,
        "overlay",
        MountFlags::empty(),
        Some(data.as_c_str()),
    )
    .internal(|| "mount overlay by mount(2)")?;
    rustix::process::chdir("/").internal(|| "enter /")?;
    open_tree(CWD, layers.work, OpenTreeFlags::OPEN_TREE_CLOEXEC).internal(|| "open the overlay")
}

fn joined_options(layers: &Layers<'_>, shared: &Path) -> String {
    let lower: Vec<String> = layers
        .lower
        .iter()
        .map(|layer| escape(&layer.strip_prefix(shared).unwrap_or(layer).to_string_lossy()))
        .collect();
    let mut data = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.join(":"),
        escape(&layers.upper.to_string_lossy()),
        escape(&layers.work.to_string_lossy())
    );
    for (key, value) in ALWAYS {
        data.push_str(&format!(",{key}={value}"));
    }
    for Parameter { key, value } in layers.options {
        match value {
            Some(value) => data.push_str(&format!(",{key}={value}")),
            None => data.push_str(&format!(",{key}")),
        }
    }
    data
}

fn escape(path: &str) -> String {
    path.replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,")
}

/// The longest directory above all layers.
fn shared_directory(layers: &[PathBuf]) -> PathBuf {
    let mut shared = layers
        .first()
        .and_then(|layer| layer.parent())
        .unwrap_or(Path::new("/"))
        .to_path_buf();
    for layer in layers {
        while !layer.starts_with(&shared) && shared.pop() {}
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_named_relative_to_what_they_share() {
        let lower: Vec<PathBuf> = ["/d/l/b/diff", "/d/l/a:x/diff"].iter().map(PathBuf::from).collect();
        assert_eq!(shared_directory(&lower), Path::new("/d/l"));
        let layers = Layers {
            lower: &lower,
            upper: Path::new("/d/u"),
            work: Path::new("/d/w"),
            options: &[],
        };
        assert_eq!(
            joined_options(&layers, Path::new("/d/l")),
            "lowerdir=b/diff:a\\:x/diff,upperdir=/d/u,workdir=/d/w,redirect_dir=nofollow,index=off"
        );
    }
}
